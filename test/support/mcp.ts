import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Problem } from "../../schema/api/common.ts";

/** The SDK's own client, as an agent has it, connected with this token. */
export async function connectMcp(url: string, token: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  const headers = { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", url), {
    requestInit: { headers },
  });
  await client.connect(transport);
  // The client checks what comes out of a tool once it has read what should.
  await client.listTools();
  return client;
}

/** What a tool answered as JSON. @throws Error with what the model is told when the tool refused. */
export async function use<T>(client: Client, name: string, given: object = {}): Promise<T> {
  const result = await resultOf(client, name, given);
  if (result.isError === true) throw new Error(textsOf(result).join("\n"));
  return result.structuredContent as T;
}

/** What a model is told by a tool that refuses: the text, and the problem document. */
export async function refusedBy(
  client: Client,
  name: string,
  given: object = {},
): Promise<{ text: string; problem: Problem }> {
  const result = await resultOf(client, name, given);
  const [text = "", json = ""] = textsOf(result);
  if (result.isError !== true) throw new Error(`${name} did not refuse: ${text}`);
  return { text, problem: JSON.parse(json) as Problem };
}

export const resultOf = async (
  client: Client,
  name: string,
  given: object = {},
): Promise<CallToolResult> =>
  (await client.callTool({ name, arguments: { ...given } })) as CallToolResult;

/** The texts of a result, one after the other. */
export const textsOf = ({ content }: CallToolResult): string[] =>
  content.map((part) => (part.type === "text" ? part.text : ""));
