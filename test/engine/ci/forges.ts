/** The comment and issue APIs of GitHub, Azure DevOps and GitLab on the loopback, as far as the templates use them, by their reference pages. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;

/** A comment, note, issue or work item, as the service answers it. */
export interface Entry extends Json {
  id: number;
}

/** One request that changes something. */
interface Write {
  method: string;
  path: string;
  body: unknown;
}

/** A code-hosting service that listens on a free port. */
export interface Forge {
  origin: string;
  /** Comments on the pull or merge request. */
  comments: Entry[];
  issues: Entry[];
  /** Writes since the last time this was asked. */
  writes(): Write[];
  /** Answers the next reads of this kind with a 500. */
  failing: boolean;
  stop(): Promise<void>;
}

/** What a token may do, by the name that the workflow gives the permission. */
export type Permissions = Readonly<Record<string, string>>;

/** The token of a job with these permissions. */
export function tokenWith(permissions: Permissions): string {
  return Buffer.from(JSON.stringify(permissions)).toString("base64url");
}

interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: IncomingMessage["headers"];
}

interface Answer {
  status: number;
  body?: unknown;
}

type Route = (asked: Asked, forge: Forge) => Answer;

/** Starts a service; each request that changes something is noted. */
async function start(route: Route): Promise<Forge> {
  let written: Write[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (data) => {
      text += String(data);
    });
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://forge");
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const asked = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        body,
        headers: request.headers,
      };
      const isRead = asked.method === "GET" || asked.path.endsWith("/wiql");
      send(response, forge.failing && isRead ? { status: 500 } : route(asked, forge));
      if (!isRead) {
        written.push({ method: asked.method, path: asked.path, body });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const forge: Forge = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    comments: [],
    issues: [],
    failing: false,
    writes: () => {
      const since = written;
      written = [];
      return since;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return forge;
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body ?? { message: `HTTP ${status}` }));
}

function page(entries: readonly Entry[], query: URLSearchParams): Entry[] {
  const size = Math.min(Number(query.get("per_page") ?? 30), 100);
  const start = (Number(query.get("page") ?? 1) - 1) * size;
  return entries.slice(start, start + size);
}

let ids = 1000;

function add(entries: Entry[], content: Json): Answer {
  ids += 1;
  const entry = { ...content, id: ids };
  entries.push(entry);
  return { status: 201, body: entry };
}

function change(entries: readonly Entry[], id: number, content: Json): Answer {
  const entry = entries.find((one) => one.id === id);
  return entry === undefined ? { status: 404 } : { status: 200, body: Object.assign(entry, content) };
}

/** GitHub's REST API 2022-11-28 for one repository, `contoso/mailboxes`, with the pull request 7. */
export function startGitHub(): Promise<Forge> {
  const bot = { login: "github-actions[bot]", type: "Bot" };
  const repository = "/repos/contoso/mailboxes";
  return start(({ method, path, query, body, headers }, { comments, issues }) => {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    const may = (...permissions: string[]): boolean => {
      const held = JSON.parse(Buffer.from(token, "base64url").toString("utf8") || "{}") as Permissions;
      return permissions.some((name) => held[name] === "write");
    };
    const content = body as Json;
    if (headers["x-github-api-version"] !== "2022-11-28" || token === "") {
      return { status: 401 };
    }
    if (path === `${repository}/issues/7/comments`) {
      return !may("pull-requests", "issues")
        ? { status: 403 }
        : method === "POST"
          ? add(comments, { ...content, user: bot })
          : { status: 200, body: page(comments, query) };
    }
    const comment = new RegExp(`^${repository}/issues/comments/(\\d+)$`).exec(path)?.[1];
    if (comment !== undefined && method === "PATCH") {
      return may("pull-requests", "issues") ? change(comments, Number(comment), content) : { status: 403 };
    }
    if (path === `${repository}/issues`) {
      const isListed = (one: Entry) =>
        one.state === query.get("state") && (one.labels as string[]).includes(query.get("labels") ?? "");
      return !may("issues")
        ? { status: 403 }
        : method === "POST"
          ? numbered(add(issues, { ...content, state: "open", user: bot }))
          : { status: 200, body: page(issues.filter(isListed), query) };
    }
    const issue = new RegExp(`^${repository}/issues/(\\d+)$`).exec(path)?.[1];
    if (issue !== undefined && method === "PATCH") {
      return may("issues") ? change(issues, Number(issue), content) : { status: 403 };
    }
    return { status: 404 };
  });
}

/** GitHub's issues are addressed by their number, here the same as the id. */
function numbered(answer: Answer): Answer {
  const entry = answer.body as Entry;
  entry.number = entry.id;
  return answer;
}

/** Azure DevOps' REST API 7.1 for the collection `/contoso/`, project `p1`, repository `r1`, pull request 7. */
export function startAzureDevOps(): Promise<Forge> {
  const root = "/contoso/p1/_apis";
  const threads = `${root}/git/repositories/r1/pullRequests/7/threads`;
  return start(({ method, path, query, body, headers }, { comments, issues }) => {
    if (headers.authorization !== "Bearer system-token" || query.get("api-version") !== "7.1") {
      return { status: 401 };
    }
    if (path === threads) {
      if (method === "GET") {
        return { status: 200, body: { value: comments, count: comments.length } };
      }
      const { comments: own, ...thread } = body as { comments: Json[] };
      return add(comments, {
        ...thread,
        isDeleted: false,
        comments: own.map((one, index) => ({ ...one, id: index + 1 })),
      });
    }
    const [, thread, comment] = new RegExp(`^${threads}/(\\d+)/comments/(\\d+)$`).exec(path) ?? [];
    if (thread !== undefined && method === "PATCH") {
      const found = comments.find(({ id }) => id === Number(thread));
      return change((found?.comments ?? []) as Entry[], Number(comment), body as Json);
    }
    if (path === `${root}/wit/wiql` && method === "POST") {
      const { query: text } = body as { query: string };
      const [, tag, done] = /CONTAINS '([^']+)' AND \[System\.State\] <> '([^']+)'/.exec(text) ?? [];
      const found = issues.filter((one) => one["System.Tags"] === tag && one["System.State"] !== done);
      return { status: 200, body: { workItems: found.map(({ id }) => ({ id })) } };
    }
    const item = new RegExp(`^${root}/wit/workitems/(\\$Issue|\\d+)$`).exec(path)?.[1];
    if (item !== undefined) {
      if (headers["content-type"] !== "application/json-patch+json") {
        return { status: 415 };
      }
      const operations = body as { op: string; path: string; value: unknown }[];
      const fields = Object.fromEntries(operations.map((one) => [one.path.replace("/fields/", ""), one.value]));
      return item === "$Issue"
        ? add(issues, { "System.State": "To Do", ...fields })
        : change(issues, Number(item), fields);
    }
    return { status: 404 };
  });
}

/** GitLab's REST API v4 for the project 5 with the merge request 7; the bot's user is 42. */
export function startGitLab(): Promise<Forge> {
  const project = "/api/v4/projects/5";
  const author = { id: 42, username: "project_5_bot" };
  return start(({ method, path, query, body, headers }, { comments, issues }) => {
    if (headers["private-token"] !== "bot-token") {
      return { status: 401 };
    }
    const content = body as Json;
    if (path === "/api/v4/user") {
      return { status: 200, body: author };
    }
    if (path === `${project}/merge_requests/7/notes`) {
      return method === "POST" ? add(comments, { ...content, author }) : { status: 200, body: page(comments, query) };
    }
    const note = new RegExp(`^${project}/merge_requests/7/notes/(\\d+)$`).exec(path)?.[1];
    if (note !== undefined && method === "PUT") {
      return change(comments, Number(note), content);
    }
    if (path === `${project}/issues`) {
      if (method === "POST") {
        const answer = add(issues, { ...content, labels: String(content.labels).split(","), state: "opened", author });
        const entry = answer.body as Entry;
        entry.iid = entry.id;
        return answer;
      }
      const isListed = (one: Entry) =>
        one.state === query.get("state") && (one.labels as string[]).includes(query.get("labels") ?? "");
      return { status: 200, body: page(issues.filter(isListed), query) };
    }
    const issue = new RegExp(`^${project}/issues/(\\d+)$`).exec(path)?.[1];
    if (issue !== undefined && method === "PUT") {
      const { state_event: event, labels, ...rest } = content;
      return change(issues, Number(issue), {
        ...rest,
        ...(labels === undefined ? {} : { labels: String(labels).split(",") }),
        ...(event === "close" ? { state: "closed" } : {}),
      });
    }
    return { status: 404 };
  });
}
