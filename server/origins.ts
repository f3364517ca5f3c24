import type { IncomingMessage } from "node:http";

/** True for an origin as browsers write it: scheme, host and port, and no slash at its end. */
export const isOrigin = (text: string): boolean =>
  /^https?:\/\//u.test(text) && URL.canParse(text) && new URL(text).origin === text;

/** Which pages may talk to this server. */
export type Origins = {
  /** May a socket be opened for whoever sent this request? */
  readonly admits: (request: IncomingMessage) => boolean;
  /** May scripts of this origin, another than ours, read what REST answers? */
  readonly isListed: (origin: string) => boolean;
};

/**
 * A browser says in `Origin` which page opens a socket, and scripts cannot change it. Admitted are this server's own
 * page and the listed origins.
 *
 * Programs send no Origin. They are admitted unless `isRequired`: what a foreign page could ride on is a cookie, and
 * this server has none; a token travels in the auth frame, which a foreign page does not have.
 */
export function createOrigins(settings: {
  readonly listed: readonly string[];
  readonly publicUrl: string | undefined;
  readonly isRequired: boolean;
}): Origins {
  const listed = new Set(settings.listed);
  const own = settings.publicUrl === undefined ? null : new URL(settings.publicUrl).origin;
  return {
    isListed: (origin) => listed.has(origin),
    admits: ({ headers }) => {
      const { origin, host } = headers;
      if (origin === undefined) return !settings.isRequired;
      return listed.has(origin) || origin === own || isSameHost(origin, host);
    },
  };
}

/** Our page, by whatever name it was reached. A proxy may have taken TLS off, so http and https are one here. */
const isSameHost = (origin: string, host = ""): boolean =>
  host !== "" &&
  /^https?:\/\/(?<host>[^/]+)$/iu.exec(origin)?.groups?.["host"]?.toLowerCase() ===
    host.toLowerCase();
