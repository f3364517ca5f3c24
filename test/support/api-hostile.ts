import fc from "fast-check";

/** Stands in a generated request for what a world holds: `«own.projectId»`. Filled in when it is sent. */
export const marker = (owner: "own" | "foreign" | "caller", key: string): string =>
  `«${owner}.${key}»`;

/** What programs trip over as text. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "x\udfffy",
    "\u202e\u200b\ufeff",
    "__proto__",
    "constructor",
    "toString",
    "null",
    "NaN",
    "-Infinity",
    "1e400",
    "'; drop table users; --",
    "\\",
    "%",
    "%00",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "${7*7}",
    "\r\nset-cookie: a=b",
    "İ".repeat(50),
    "x".repeat(201),
    "é".repeat(5000),
    "x".repeat(100_000),
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

const nested = (depth: number, open: string, close: string): string =>
  `${open.repeat(depth)}${close.repeat(depth)}`;

/** Text that a reader of Markdown or HTML could take too long over, or recurse too deep in. */
export const hostileProse = fc.oneof(
  hostileText,
  fc.constantFrom(
    "> ".repeat(2000),
    "- ".repeat(2000),
    "[".repeat(20_000),
    "*_".repeat(10_000),
    "`".repeat(20_001),
    "![](".repeat(5000),
    "| a ".repeat(3000),
    `${"| a ".repeat(50)}\n${"|-".repeat(50)}\n`,
    "&#0;&#xd800;&nosuch;",
    nested(3000, "<div>", "</div>"),
    nested(3000, "<blockquote>", "</blockquote>"),
    nested(500, "<ul><li>", "</li></ul>"),
    "<table><tr><td colspan=99999999>x",
    "<!--",
    "<a href='javascript:alert(1)'>x</a>",
  ),
);

/** JSON that is well-formed and means nothing good; an object's own `__proto__` is written like any other key. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    0.5,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
    1e308,
    [],
    {},
    [[]],
    [null],
    JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}}}'),
    JSON.parse(nested(200, "[", "]")),
    JSON.parse(`${'{"content":['.repeat(200)}${"]}".repeat(200)}`),
    Array.from({ length: 2000 }, () => "x"),
  ),
  fc.constantFrom("id", "projectId", "documentId", "keyId").map((key) => marker("foreign", key)),
);

/** Bodies that are no JSON at all, or too much of it. */
export const brokenJson = fc.oneof(
  fc.constantFrom(
    "",
    "{",
    '{"name":',
    "nothing",
    "\ufeff{}",
    '{"name":"a","name":"b"}',
    "{'name':'a'}",
    "[1,]",
    '"\\ud800"',
    "1e999",
    nested(100_000, "[", "]"),
    nested(50_000, '{"a":', "}"),
  ),
  fc.string({ unit: "binary", maxLength: 60 }),
);
