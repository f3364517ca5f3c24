import type { Command } from "commander";
import { z } from "zod";
import { configSchema } from "../../config.ts";
import { answers } from "../run.ts";

type Variable = {
  readonly name: string;
  readonly default: string | null;
  readonly allowed: string;
  readonly description: string;
};

/** `config`: every environment variable, as the table of docs/CONFIGURATION.md. */
export function addConfig(program: Command): void {
  const command = program
    .command("config")
    .description("print the table of environment variables, as Markdown");
  answers(command, () => {
    const variables = listVariables();
    return { text: markdownTable(variables), json: { variables } };
  });
}

function listVariables(): Variable[] {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: "input" });
  return Object.entries(properties).map(([name, property]) => {
    // `true` and `false` are schemas to JSON Schema, never to zod.
    const rule = typeof property === "boolean" ? {} : property;
    return {
      name,
      default: rule.default === undefined ? null : textOf(rule.default),
      allowed: allowed(rule),
      description: rule.description ?? "",
    };
  });
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

function allowed(rule: z.core.JSONSchema.BaseSchema): string {
  if (rule.enum !== undefined) return rule.enum.map((value) => `\`${textOf(value)}\``).join(", ");
  if (rule.format === "uri") return "an `https://` or `http://` url";
  if (rule.type !== "integer") return rule.pattern === undefined ? "text" : "a `postgres://` url";
  // Without a minimum it is a count, whose rule is "more than 0".
  const least = rule.minimum ?? 1;
  const bounded = rule.maximum !== undefined && rule.maximum < Number.MAX_SAFE_INTEGER;
  return bounded ? `${least} to ${rule.maximum ?? ""}` : `${least} or more`;
}

function markdownTable(variables: readonly Variable[]): string {
  const rows = variables.map(
    (one) =>
      `| \`${one.name}\` | ${one.default === null ? "" : `\`${one.default}\``} | ${one.allowed} | ${one.description} |`,
  );
  return [
    "| variable | default | allowed | what it does |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
