import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Instruments } from "./instruments.ts";

/** How often the event loop's delay is sampled, ms. */
const SAMPLE_EVERY_MS = 20;

const MICROSECONDS = 1e6;
const NANOSECONDS = 1e9;

/**
 * Adds what the process takes and how late its event loop is; the answer stops the measuring.
 * Not `collectDefaultMetrics`: what it starts, a timer and an observer for each registry, nothing can stop.
 */
export function measureProcess(instruments: Instruments): () => void {
  const { gauge, total } = instruments;
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "Start of the process, since 1970", () => startedAt);
  const cpu = (kind: "user" | "system") => () => process.cpuUsage()[kind] / MICROSECONDS;
  total(
    "process_cpu_user_seconds_total",
    "Processor time of all threads, outside of the kernel",
    cpu("user"),
  );
  total(
    "process_cpu_system_seconds_total",
    "Processor time of all threads, in the kernel",
    cpu("system"),
  );
  gauge("process_resident_memory_bytes", "Memory of the process, its threads included", () =>
    process.memoryUsage.rss(),
  );
  gauge(
    "nodejs_heap_used_bytes",
    "JavaScript objects of the main thread",
    () => process.memoryUsage().heapUsed,
  );
  gauge(
    "nodejs_external_memory_bytes",
    "Memory outside of the heap that belongs to such objects",
    () => process.memoryUsage().external,
  );
  return measureEventLoop(instruments);
}

function measureEventLoop({ gauge }: Instruments): () => void {
  const histogram = monitorEventLoopDelay({ resolution: SAMPLE_EVERY_MS });
  histogram.enable();
  // Node records the time between two samples; what is more than the interval is the delay.
  // An empty histogram answers with figures that mean nothing.
  const delay = (nanoseconds: number): number =>
    histogram.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - SAMPLE_EVERY_MS / 1000);
  const name = (figure: string): string => `nodejs_eventloop_delay_${figure}_seconds`;
  gauge(name("p50"), "How late the event loop was since last asked, median", () =>
    delay(histogram.percentile(50)),
  );
  gauge(name("p99"), "How late the event loop was since last asked, 99 of 100 samples", () =>
    delay(histogram.percentile(99)),
  );
  gauge(name("max"), "How late the event loop was since last asked, at worst", () => {
    const worst = delay(histogram.max);
    // Read last of the three: who asks next hears of his own time only.
    histogram.reset();
    return worst;
  });
  return () => void histogram.disable();
}
