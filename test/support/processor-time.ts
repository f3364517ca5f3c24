/**
 * How long this thread has been on the processor since, ms. Unlike the time of the clock it does not grow when other
 * processes are busy.
 */
export function processorTime(): () => number {
  const before = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  };
}
