import { organizationRoutes } from "./organizations.ts";

/** The whole REST API as data: every route under its name, which is also its `operationId`. */
export const api = {
  ...organizationRoutes,
} as const;

export type Api = typeof api;
export type ApiName = keyof Api;
