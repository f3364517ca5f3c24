import { peakResidentBytes, untilQuiet } from "./process-figures.ts";
import type { Context, Measurement, Scale, Scenario } from "./scenario.ts";

const DOCUMENTS: Record<Scale, number> = { quick: 100, full: 500 };
const CLIENTS_PER_DOCUMENT = 4;
const DOCUMENT_BYTES = 20_000;

async function measure({ subject, load, scale }: Context): Promise<Measurement> {
  const { token, names } = await subject.prepare(DOCUMENTS[scale]);
  const documents = { token, names, bytes: DOCUMENT_BYTES };
  await load.run("seedProse", { url: subject.url(), ...documents });
  await subject.stop();
  await subject.start();
  await untilQuiet([subject.pid()]);
  const { seconds } = await load.run("reconnectHerd", {
    url: subject.url(),
    ...documents,
    clientsPerDocument: CLIENTS_PER_DOCUMENT,
  });
  return { seconds, peakBytes: peakResidentBytes(subject.pid()) };
}

export const createHerd = (scale: Scale): Scenario => {
  const documents = DOCUMENTS[scale];
  const clients = (documents * CLIENTS_PER_DOCUMENT).toLocaleString("en");
  return {
    name: "herd",
    figures: [
      {
        key: "seconds",
        label: `${clients} clients of ${documents} documents (20 kB) reconnect after a restart`,
        unit: "s",
        target: { kind: "ratio-at-most", value: 1 },
      },
      {
        key: "peakBytes",
        label: "  the server's peak memory",
        unit: "bytes",
        target: { kind: "ratio-at-most", value: 1 },
      },
    ],
    rounds: { quick: 2, full: 5 },
    // The restart makes both servers equally cold; only the load is warmed.
    warmUp: async () => {},
    measure,
  };
};
