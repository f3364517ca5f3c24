/** What a load needs to reach a server. */
export type Address = { url: string; token: string };

/** Tells the bench that the part to be measured begins or is over. */
export type Phase = "begin" | "end";
export type OnPhase = (phase: Phase) => void;

/** What the load process says to the bench: phases while a job runs, then one result or one error. */
export type LoadReply =
  | { type: "phase"; phase: Phase }
  | { type: "result"; result: unknown }
  | { type: "error"; message: string };
