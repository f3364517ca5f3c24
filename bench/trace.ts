import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { recordUpdates } from "./content.ts";
import { seededRandom } from "./statistics.ts";

/** One keystroke: at this position, delete so many characters, then insert these. */
type Patch = [position: number, deleteCount: number, insert: string];

/** A document's editing history as one update for each transaction, and the text it must end with. */
export type Trace = { updates: Uint8Array[]; endContent: string };

/** The histories of `../shared/traces`, beside the repository; absent on other machines. */
const FOLDER = new URL("../../shared/traces/", import.meta.url);

/** As long as the `seph-blog1` history. */
const GENERATED_KEYSTROKES = 138_000;

const TYPIST_CLIENT_ID = 1_000_000_000;

const cache = new Map<string, Trace>();

/** Reads a sequential trace by its name; generates one of the same length when the file is not there. Kept for the next round. */
export function readTrace(name: string): Trace {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const transactions = readTransactions(name) ?? generateTransactions();
  let endContent = "";
  const updates = recordUpdates(TYPIST_CLIENT_ID, (text, document) => {
    for (const patches of transactions) {
      document.transact(() => {
        for (const [position, deleteCount, insert] of patches) {
          if (deleteCount > 0) text.delete(position, deleteCount);
          if (insert !== "") text.insert(position, insert);
        }
      });
    }
    endContent = text.toString();
  });
  const trace = { updates, endContent };
  cache.set(name, trace);
  return trace;
}

/** True when the trace of this name is a recorded one. */
export const isRecorded = (name: string): boolean => existsSync(new URL(`${name}.json.gz`, FOLDER));

function readTransactions(name: string): Patch[][] | undefined {
  if (!isRecorded(name)) return undefined;
  const json: unknown = JSON.parse(
    gunzipSync(readFileSync(new URL(`${name}.json.gz`, FOLDER))).toString("utf8"),
  );
  const { startContent, txns } = json as { startContent: string; txns: { patches: Patch[] }[] };
  const start: Patch[][] = startContent === "" ? [] : [[[0, 0, startContent]]];
  return [...start, ...txns.map(({ patches }) => patches)];
}

/** Runs of typing at places that jump about, every seventh keystroke a deletion: the shape of the recorded ones. */
function generateTransactions(): Patch[][] {
  const random = seededRandom(138);
  const transactions: Patch[][] = [];
  let length = 0;
  let position = 0;
  while (transactions.length < GENERATED_KEYSTROKES) {
    if (random() < 0.02) position = Math.floor(random() * (length + 1));
    if (position > 0 && random() < 1 / 7) {
      position -= 1;
      length -= 1;
      transactions.push([[position, 1, ""]]);
      continue;
    }
    const character = random() < 0.17 ? " " : String.fromCharCode(97 + Math.floor(random() * 26));
    transactions.push([[position, 0, character]]);
    position += 1;
    length += 1;
  }
  return transactions;
}
