/** True under `npm run test:long`, which runs every test at its nightly size. */
export const nightly = process.env["TEST_SIZE"] === "nightly";

/** The size of a loop or a load: `small` in `npm test`, `nightlySize` in `npm run test:long`. */
export function sized(small: number, nightlySize: number): number {
  return nightly ? nightlySize : small;
}
