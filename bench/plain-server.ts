/** What everybody can have without us: Hocuspocus with its database extension, as its guide sets it up. */
import { Database } from "@hocuspocus/extension-database";
import { Server } from "@hocuspocus/server";
import postgres from "postgres";

const sql = postgres(process.env["DATABASE_URL"] ?? "", { onnotice: () => {} });

await sql`create table if not exists plain_documents (name text primary key, state bytea)`;

const server = new Server({
  port: Number(process.env["PORT"]),
  address: process.env["HOST"] ?? "127.0.0.1",
  quiet: true,
  // As at the other server, and as `ws` has it by default: no compression of frames.
  websocketOptions: { perMessageDeflate: false },
  onAuthenticate: async () => ({}),
  extensions: [
    new Database({
      fetch: async ({ documentName }) => {
        const [row] = await sql<{ state: Uint8Array }[]>`
          select state from plain_documents where name = ${documentName}`;
        return row?.state ?? null;
      },
      store: async ({ documentName, state }) => {
        await sql`
          insert into plain_documents (name, state) values (${documentName}, ${state})
          on conflict (name) do update set state = excluded.state`;
      },
    }),
  ],
});

await server.listen();
