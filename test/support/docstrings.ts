import { child, children, identifier, lineAt, parse } from "./syntax.ts";
import type { SyntaxNode } from "./syntax.ts";

/**
 * The exports of a file that have no docstring right above them, as `line name`.
 *
 * Exempt, because there is nothing to add: re-exports from another file, the second and later
 * signatures of an overloaded function, a type that fits on one line, and a line that follows a
 * documented one without a gap: they are a group.
 */
export function undocumentedExports(text: string): string[] {
  const missing: string[] = [];
  let documented: { name: string; line: number } | undefined;
  let end = 0;
  for (const statement of children(parse(text), "body")) {
    const above = text.slice(end, statement.start);
    end = statement.end;
    if (!needsDocstring(text, statement)) continue;
    const name = nameOf(statement);
    const line = lineAt(text, statement.start);
    const belongs = documented?.name === name || documented?.line === line - 1;
    if (belongs || endsInDocstring(above)) documented = { name, line: lineAt(text, end) };
    else missing.push(`${line} ${name}`);
  }
  return missing;
}

function needsDocstring(text: string, statement: SyntaxNode): boolean {
  if (statement.type === "ExportDefaultDeclaration") return true;
  if (statement.type !== "ExportNamedDeclaration") return false;
  if (child(statement, "source") !== undefined) return false;
  const isType = child(statement, "declaration")?.type === "TSTypeAliasDeclaration";
  return !isType || text.slice(statement.start, statement.end).includes("\n");
}

/** Line comments may stand between: they speak to the linter or of the first line. */
function endsInDocstring(above: string): boolean {
  const withoutLineComments = above.replace(/(\s*\/\/[^\n]*\n)+\s*$/u, "").trimEnd();
  const opening = withoutLineComments.lastIndexOf("/*");
  return withoutLineComments.endsWith("*/") && withoutLineComments.startsWith("/**", opening);
}

function nameOf(statement: SyntaxNode): string {
  const declaration = child(statement, "declaration");
  const declared =
    child(declaration, "id") ?? child(children(declaration, "declarations")[0], "id");
  return identifier(declared) ?? statement.type;
}
