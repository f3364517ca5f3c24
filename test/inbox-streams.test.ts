import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createApiClient, openInbox, type InboxEvent } from "../client/index.ts";
import { collectGarbage } from "./support/collect-garbage.ts";
import { useInbox } from "./support/inbox.ts";
import { startTestNode } from "./support/node.ts";
import { codeOf } from "./support/rest.ts";
import { until } from "./support/until.ts";

const { rest, tenant, noticeFor, tell, person, agent } = await useInbox();

test("of 50 who notify at once, in whatever order, each is heard once and in order by one who comes and goes", async () => {
  const people = await Promise.all(Array.from({ length: 4 }, person));
  const [listener] = people;
  const heard: InboxEvent[] = [];
  const api = rest.client(listener?.token ?? "");
  let lastEventId: string | null = "0";
  const comeAndGo = async (): Promise<void> => {
    while (heard.length < 50) {
      const ended = new AbortController();
      const { events } = await api.streamInbox({}, { lastEventId, signal: ended.signal });
      for await (const event of events) {
        lastEventId = event.id;
        if (event.event === "notification") heard.push(event);
        if (heard.length % 7 === 0 || heard.length === 50) break;
      }
      ended.abort();
    }
  };
  const hearing = comeAndGo();
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const turned = [...people.slice(index % 4), ...people.slice(0, index % 4)];
      return tell(...turned.map(({ userId }) => noticeFor({ userId })));
    }),
  );
  await hearing;
  const inOrder = Array.from({ length: 50 }, (_, index) => String(index + 1));
  expect(heard.map(({ id }) => id)).toEqual(inOrder);
  for (const { token } of people) {
    expect((await rest.client(token).countUnread()).body).toEqual({ unread: 50, position: 50 });
  }
});

test("a stream tells of what comes and of what is read, and the client goes on across a restart", async () => {
  const { userId, token } = await person();
  const node = await startTestNode(rest);
  const { port } = node;

  const api = createApiClient({ url: `http://127.0.0.1:${port}`, token: () => token });
  const heard: InboxEvent[] = [];
  const inbox = openInbox({ api, onEvent: (event) => heard.push(event) });
  const unread = () =>
    heard.flatMap(({ event, body }) => (event === "unread" ? [body.unread] : []));
  const told = () => heard.flatMap(({ event, id }) => (event === "notification" ? [id] : []));
  await until(() => unread().length === 1);
  // Put in past this process: no bell rings.
  await tell(noticeFor({ userId }));
  await until(() => told().length === 1);
  await api.readAllNotifications({ body: { position: 1 } });
  await until(() => unread().at(-1) === 0);
  await node.close();
  await tell(noticeFor({ userId }));
  const again = await startTestNode(rest, { PORT: String(port) });
  await until(() => told().length === 2);
  expect(told()).toEqual(["1", "2"]);
  expect(unread()).toEqual([0, 1, 0, 1]);
  expect(inbox.lastEventId).toBe("2");
  await inbox.close();
  await again.close();
});

test("[A3] the stream of a key that was revoked ends within about a second, and the client stops", async () => {
  const { keyId, token } = await agent();
  const codes: string[] = [];
  let isOpen = false;
  const inbox = openInbox({
    api: rest.client(token),
    onEvent: () => {
      isOpen = true;
    },
    onRefused: ({ problem }) => codes.push(problem.code),
  });
  await until(() => isOpen);
  await rest.client(tenant.token).revokeKey({ params: { keyId } });
  const revokedAtMs = performance.now();
  await until(() => codes.length === 1);
  expect(codes).toEqual(["unauthenticated"]);
  // A second for the watch, half a one until the client is back.
  expect(performance.now() - revokedAtMs).toBeLessThan(2500);
  await inbox.close();
});

test("the events of a stream stay readable however long nobody reads them, also past a collection of garbage", async () => {
  const { userId, token } = await person();
  const ended = new AbortController();
  const { events } = await rest.client(token).streamInbox({}, { signal: ended.signal });
  // Who hears of what was collected hears a turn later, and cancelling takes another.
  for (let turn = 0; turn < 5; turn += 1) {
    collectGarbage();
    await delay(20);
  }
  await tell(noticeFor({ userId }));
  const heard: string[] = [];
  for await (const { event } of events) {
    heard.push(event);
    if (event === "notification") break;
  }
  expect(heard).toContain("notification");
  ended.abort();
});

test("streams are limited per principal; an id that is none is refused, and so is a token in the address", async () => {
  const { token } = await person();
  const client = rest.client(token);
  const ended = new AbortController();
  const { signal } = ended;
  const open = [];
  for (let each = 0; each < 20; each += 1) open.push(await client.streamInbox({}, { signal }));
  expect(await codeOf(client.streamInbox({}, { signal }))).toBe("too_many_requests");
  // Held until here: a stream that nobody holds is collected, and has ended.
  expect(open).toHaveLength(20);
  ended.abort();
  await until(
    async () => (await codeOf(client.streamInbox({}, { lastEventId: "x" }))) === "bad_request",
  );
  const response = await rest.fetch(`/api/v1/inbox/stream?token=${token}`);
  expect(response.status).toBe(401);
  const head = await rest.fetch("/api/v1/inbox/stream", {
    method: "HEAD",
    headers: { authorization: `Bearer ${token}` },
  });
  expect(head.headers.get("content-type")).toContain("text/event-stream");
});
