/** Run as a process of its own: brings a collaboration into a state, closes it, and must end by itself. */
import { createCollaboration } from "../../client/index.ts";
import { until } from "./until.ts";

const [, , url = "", documentId = "", state = ""] = process.argv;

const collaboration = createCollaboration({
  // Port 9 (discard) refuses: the client lives between one attempt and the next.
  url: state === "unreachable" ? "ws://127.0.0.1:9" : url,
  documentId,
  token: "token",
  // Long, so that a reconnection timer left behind would keep the process.
  backoff: { minMs: 20_000, firstMs: 20_000, maxMs: 20_000 },
});
collaboration.document.getText("diagram").insert(0, "a");
if (state === "offline") {
  await until(() => collaboration.status === "saved");
  process.stdout.write("ready\n");
}
await until(() => collaboration.status === (state === "unreachable" ? "offline" : state), {
  describe: state,
});
await collaboration.close();
process.stdout.write("closed\n");
