import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Samples, seededRandom } from "./statistics.ts";

export type RestJob = {
  /** `http://127.0.0.1:8787` */
  origin: string;
  /** A session's and an API key's, in turn. */
  tokens: string[];
  projectId: string;
  /** Ids of documents that people type in, and of documents that nobody has open. */
  typed: string[];
  cold: string[];
};

export type ReadJob = RestJob & { readsPerSecond: number; seconds: number };

export type ReadResult = {
  answered: { count: number; p50: number; p99: number };
  /** Answers other than 200, and requests without one. */
  errors: number;
  readsPerSecond: number;
};

/** As a client library would: a connection is used again, and there are not more than these. */
const CONNECTIONS = 16;

/** 10 s: a read that takes longer is an error. */
const TIMEOUT_MS = 10_000;

type Reader = { read(path: string, token: string): Promise<number>; close(): void };

/** `node:http`, not `fetch`: this process shares the cores with the server that is measured. */
function createReader(origin: string): Reader {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  return {
    read: (path, token) =>
      new Promise((resolve) => {
        const headers = { authorization: `Bearer ${token}` };
        const options = { agent, headers, timeout: TIMEOUT_MS };
        const request = get(`${origin}/api/v1${path}`, options, (response) => {
          response.resume().once("end", () => resolve(response.statusCode ?? 0));
          response.once("error", () => resolve(0));
        });
        request.once("timeout", () => request.destroy());
        request.once("error", () => resolve(0));
      }),
    close: () => agent.destroy(),
  };
}

/** What is read, in this proportion: who am I, lists, documents, and the content of both kinds in both formats. */
function paths({ projectId, typed, cold }: RestJob, random: () => number): string[] {
  const one = (ids: readonly string[]): string => ids[Math.floor(random() * ids.length)] ?? "";
  const content = (ids: readonly string[], format: string): string =>
    `/documents/${one(ids)}/content?format=${format}`;
  return [
    "/me",
    `/projects/${projectId}/documents?limit=50`,
    content(typed, "json"),
    `/documents/${one(cold)}`,
    content(cold, "markdown"),
    "/me",
    `/projects/${projectId}/documents?limit=50&order=-updatedAt`,
    content(typed, "markdown"),
    `/documents/${one(typed)}`,
    content(cold, "json"),
  ];
}

/** Reads everything once, unmeasured: the key is checked, what was never read is projected, the code is compiled. */
export async function readOnce(job: RestJob): Promise<void> {
  const reader = createReader(job.origin);
  const { tokens, projectId } = job;
  const contents = [...job.typed, ...job.cold].flatMap((id) => [
    `/documents/${id}`,
    `/documents/${id}/content?format=json`,
    `/documents/${id}/content?format=markdown`,
  ]);
  for (const path of ["/me", `/projects/${projectId}/documents?limit=50`, ...contents]) {
    for (const token of tokens) {
      const status = await reader.read(path, token);
      if (status !== 200) throw new Error(`GET ${path} answered ${status}`);
    }
  }
  reader.close();
}

/** Reads at an even pace that does not wait for answers. Latency from the moment a read was due. */
export async function readEvenly(job: ReadJob): Promise<ReadResult> {
  const reader = createReader(job.origin);
  const random = seededRandom(3);
  const answered = new Samples();
  const total = Math.floor(job.readsPerSecond * job.seconds);
  const startedAt = performance.now();
  const pending: Promise<void>[] = [];
  let errors = 0;
  const read = async (index: number, path: string): Promise<void> => {
    const dueAt = startedAt + (index / job.readsPerSecond) * 1_000;
    const status = await reader.read(path, job.tokens[index % job.tokens.length] ?? "");
    answered.add(performance.now() - dueAt);
    if (status !== 200) errors += 1;
  };
  let mix: string[] = [];
  while (pending.length < total) {
    const due = Math.ceil(((performance.now() - startedAt) / 1_000) * job.readsPerSecond);
    while (pending.length < Math.min(due, total)) {
      if (mix.length === 0) mix = paths(job, random);
      pending.push(read(pending.length, mix.shift() ?? "/me"));
    }
    await sleep(1);
  }
  await Promise.all(pending);
  const seconds = (performance.now() - startedAt) / 1_000;
  reader.close();
  return { answered: answered.summary(), errors, readsPerSecond: total / seconds };
}
