import { activityRoutes } from "./activity.ts";
import { agentRoutes } from "./agents.ts";
import { contentRoutes } from "./content.ts";
import { discussionRoutes } from "./discussions.ts";
import { documentRoutes } from "./documents.ts";
import { keyRoutes } from "./keys.ts";
import { collaboratorRoutes } from "./collaborators.ts";
import { featureRoutes } from "./features.ts";
import { inboxRoutes } from "./inbox.ts";
import { memberRoutes } from "./members.ts";
import { projectRoutes } from "./projects.ts";
import { organizationRoutes } from "./organizations.ts";
import { sectionRoutes } from "./sections.ts";
import { searchRoutes } from "./search.ts";
import { signInRoutes } from "./sign-in.ts";
import { suggestionRoutes } from "./suggestions.ts";
import { versionRoutes } from "./versions.ts";

/** The whole REST API as data: every route under its name, which is also its `operationId`. */
export const api = {
  ...organizationRoutes,
  ...memberRoutes,
  ...projectRoutes,
  ...collaboratorRoutes,
  ...featureRoutes,
  ...documentRoutes,
  ...contentRoutes,
  ...sectionRoutes,
  ...versionRoutes,
  ...discussionRoutes,
  ...suggestionRoutes,
  ...inboxRoutes,
  ...activityRoutes,
  ...searchRoutes,
  ...signInRoutes,
  ...agentRoutes,
  ...keyRoutes,
} as const;

export type Api = typeof api;
export type ApiName = keyof Api;
