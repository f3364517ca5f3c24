import { Counter, Gauge, Histogram, type Registry } from "prom-client";

type Labelled<L extends string> = { readonly labels: readonly L[] };

/** Makes metrics of one registry. */
export type Instruments = {
  /** `read` is called when somebody asks. */
  readonly gauge: (name: string, help: string, read: () => number) => Gauge;
  /** A counter that is kept elsewhere, as a plain number: `read` is called when somebody asks. */
  readonly total: (name: string, help: string, read: () => number) => Counter;
  readonly counter: <L extends string = never>(
    name: string,
    help: string,
    options?: Labelled<L>,
  ) => Counter<L>;
  /** `buckets` in seconds. */
  readonly durations: <L extends string = never>(
    name: string,
    help: string,
    options: Partial<Labelled<L>> & { readonly buckets: readonly number[] },
  ) => Histogram<L>;
};

/** The kinds of metrics that this server has. */
export function createInstruments(registry: Registry): Instruments {
  const registers = [registry];
  return {
    gauge: (name, help, read) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      }),
    total: (name, help, read) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      }),
    counter: (name, help, { labels = [] } = { labels: [] }) =>
      new Counter({ name, help, registers, labelNames: [...labels] }),
    durations: (name, help, { labels = [], buckets }) =>
      new Histogram({ name, help, registers, labelNames: [...labels], buckets: [...buckets] }),
  };
}
