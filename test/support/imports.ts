import { child, children, identifier, lineAt, parse, stringValue, walk } from "./syntax.ts";
import type { SyntaxNode } from "./syntax.ts";

/** One use of another module. `specifier` is undefined where only running the code would tell it. */
export type Import = { specifier: string | undefined; line: number };

/** Every module that a file reaches: static, dynamic, type-only and re-exported imports, and worker files named by URL. */
export function importsOf(text: string): Import[] {
  return [...walk(parse(text))]
    .filter((node) => isImport(node))
    .map((node) => ({ specifier: specifierOf(node), line: lineAt(text, node.start) }));
}

/** The lines that read the environment of the process, however it is spelt. */
export function environmentReads(text: string): number[] {
  return [...walk(parse(text))].filter(isEnvironmentRead).map((node) => lineAt(text, node.start));
}

function isImport(node: SyntaxNode): boolean {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return true;
    case "ExportNamedDeclaration":
      return child(node, "source") !== undefined;
    case "CallExpression":
      return identifier(child(node, "callee")) === "require";
    case "NewExpression":
      return isCodeUrl(node);
    default:
      return false;
  }
}

/** `new URL("./merge-worker.ts", import.meta.url)`: how a worker thread is named, and an import in all but syntax. */
function isCodeUrl(node: SyntaxNode): boolean {
  const [target] = children(node, "arguments");
  if (identifier(child(node, "callee")) !== "URL") return false;
  return /^\.{1,2}\/.*\.[cm]?[jt]s$/u.test(stringValue(target) ?? "");
}

function specifierOf(node: SyntaxNode): string | undefined {
  const source = child(node, "source") ?? children(node, "arguments")[0];
  if (source?.type === "TemplateLiteral" && children(source, "expressions").length > 0) {
    return undefined;
  }
  return stringValue(source);
}

function isEnvironmentRead(node: SyntaxNode): boolean {
  if (node.type === "MemberExpression") {
    const owner = child(node, "object");
    const property = child(node, "property");
    return nameOf(property) === "env" && (isProcess(owner) || owner?.type === "MetaProperty");
  }
  if (node.type === "VariableDeclarator") {
    return isProcess(child(node, "init")) && takesEnv(child(node, "id"), "properties", "key");
  }
  if (node.type === "ImportDeclaration") {
    const source = stringValue(child(node, "source"));
    return /^(node:)?process$/u.test(source ?? "") && takesEnv(node, "specifiers", "imported");
  }
  return false;
}

function takesEnv(node: SyntaxNode | undefined, list: string, field: string): boolean {
  return children(node, list).some((taken) => nameOf(child(taken, field)) === "env");
}

/** `process`, and `globalThis.process`. */
function isProcess(node: SyntaxNode | undefined): boolean {
  return nameOf(node) === "process" || nameOf(child(node, "property")) === "process";
}

const nameOf = (node: SyntaxNode | undefined): string | undefined =>
  identifier(node) ?? stringValue(node);
