import { afterAll } from "vitest";
import { ApiError, createApiClient, type ApiClient } from "../../client/api.ts";
import type { ErrorCode } from "../../schema/errors.ts";
import type { Node } from "../../server/node.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { startTestNode } from "./node.ts";
import { createTenant, type Tenant } from "./tenant.ts";

/** A server on a database of its own, and the ways to call its REST API. */
export type Rest = Pick<TestDatabase, "database" | "sql" | "location" | "env"> & {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly node: Node;
  /** The typed client of whoever holds this token; null signs nobody in. */
  client(token: string | null): ApiClient;
  /** A request as it is, to a path of the server: `/api/v1/organizations`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
};

/** Starts the server in the test's process; the variables are its environment. */
export async function startRest(environment: Record<string, string> = {}): Promise<Rest> {
  const created = await createTestDatabase();
  const { database, sql, location, env } = created;
  const node = await startTestNode(created, environment);
  const url = `http://127.0.0.1:${node.port}`;
  return {
    database,
    sql,
    location,
    env,
    url,
    node,
    client: (token) => createApiClient({ url, token: () => token }),
    fetch: (path, init) => fetch(`${url}${path}`, init),
    close: async () => {
      await node.close();
      await created.close();
    },
  };
}

/** A server for this file with one tenant in it; stopped after its last test. */
export async function useRest(
  environment: Record<string, string> = {},
): Promise<{ rest: Rest; tenant: Tenant }> {
  const rest = await startRest(environment);
  afterAll(() => rest.close());
  return { rest, tenant: await createTenant(rest.sql) };
}

/** The code that a call was refused with; null when it was not refused. */
export async function codeOf(call: Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof ApiError) return error.problem.code;
    throw error;
  }
}
