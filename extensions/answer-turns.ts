import { createTurns } from "./turns.ts";

/** All who reconnect after a restart, with a document each. */
const MAX_WAITING = 20_000;

/** … and one program with many documents. */
const MAX_WAITING_EACH = 2000;

/**
 * Waits for one's turn to have a SyncStep1 answered: one answer in a turn of the event loop, and authors (`who`) take
 * turns. Yjs walks through all of the document for each, and a packet has room for a thousand questions.
 * @throws ScriptoriumError `too_many_requests` when too many wait, of his or in all.
 */
export function createAnswerTurns(): (who: string) => Promise<void> {
  const turns = createTurns({
    atOnce: 1,
    maxWaiting: MAX_WAITING,
    maxWaitingEach: MAX_WAITING_EACH,
    refusal: "Too much is asked for at once",
  });
  return (who) =>
    new Promise((begin, refuse) => {
      // What it is begun for ends before the next turn of the loop: it waits for nothing but promises.
      const answering = async (): Promise<void> => {
        begin();
        await new Promise((end) => setImmediate(end));
      };
      turns.take(answering, who).catch(refuse);
    });
}
