import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects all garbage of this thread, at once. Who is told of it (FinalizationRegistry) hears a turn later. */
export const collectGarbage = runInNewContext("gc") as () => void;
