import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Ticks per second of /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** False where there is no /proc: CPU and memory are then left out of the table. */
const canMeasureProcesses = existsSync("/proc/self/stat");

/** The process and its descendants, without PostgreSQL: an embedded one is a child of the server. */
function processTree(pid: number): number[] {
  const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  if (name.startsWith("postgres")) return [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [pid, ...children.split(" ").filter(Boolean).map(Number).flatMap(processTree)];
}

function seconds(statFile: string): number {
  // The second field is the name in brackets and may hold spaces: count from behind it.
  const fields = readFileSync(statFile, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export type CpuSeconds = {
  /** User and system time of the server's processes, all threads. */
  total: number;
  /** The part of the server process's main thread. */
  mainThread: number;
};

export function cpuSeconds(pid: number): CpuSeconds {
  if (!canMeasureProcesses) return { total: Number.NaN, mainThread: Number.NaN };
  const total = processTree(pid).reduce((sum, member) => sum + seconds(`/proc/${member}/stat`), 0);
  return { total, mainThread: seconds(`/proc/${pid}/task/${pid}/stat`) };
}

/** The most memory the server's processes held since they started, in bytes. */
export function peakResidentBytes(pid: number): number {
  if (!canMeasureProcesses) return Number.NaN;
  return processTree(pid).reduce((sum, member) => {
    const status = readFileSync(`/proc/${member}/status`, "utf8");
    return sum + Number(/^VmHWM:\s+(\d+) kB/mu.exec(status)?.[1]) * 1_024;
  }, 0);
}

/** Waits until the processes use under a twentieth of a core, at most 5 s: what one run left behind is not the next one's. */
export async function untilQuiet(pids: readonly number[]): Promise<void> {
  if (!canMeasureProcesses) return sleep(1_000);
  const used = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid).total, 0);
  for (let attempt = 0; attempt < 25; attempt += 1) {
    const before = used();
    await sleep(200);
    if (used() - before <= 0.01) return;
  }
}
