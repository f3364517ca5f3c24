export * from "./access.ts";
export * from "./agents.ts";
export * from "./documents.ts";
export * from "./encodings.ts";
export * from "./idempotency.ts";
export * from "./organizations.ts";
export * from "./projects.ts";
export * from "./yjs.ts";
