/** What a server's `/metrics` says of this series, labels included as they are printed; NaN where it has none. */
export async function figureOf(port: number, series: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}
