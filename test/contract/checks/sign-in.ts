import type { Recording } from "../recording";
import { membersOf, parsed } from "./common";

const scopes = [
  /^https:\/\/outlook\.office365\.com\/\.default$/,
  /^https:\/\/graph\.microsoft\.com\/\.default$/,
  // Dataverse: the environment's own origin, a local one's as well.
  /^https?:\/\/[\w.:-]+\/\.default$/,
];

/** What of a request for a token, and of its answer, is not the client credentials flow as Microsoft documents it. */
export function signInComplaints({ method, path, headers, body, answer }: Recording): string[] {
  const form = new URLSearchParams(body);
  const { token_type: type, access_token: token, expires_in: seconds } = membersOf(parsed(answer.body));
  const known = ["grant_type", "client_id", "client_secret", "scope"];
  return [
    ...(method === "POST" ? [] : [`the method is ${method}`]),
    ...(/^\/[\w.-]+\/oauth2\/v2\.0\/token$/.test(path) ? [] : [`the path ${path} is unknown`]),
    ...(/^application\/x-www-form-urlencoded/.test(headers["content-type"] ?? "") ? [] : ["the body is no form"]),
    ...known.filter((name) => !form.has(name)).map((name) => `${name} is missing`),
    ...[...form.keys()].filter((name) => !known.includes(name)).map((name) => `the field ${name} is unknown`),
    ...(form.get("grant_type") === "client_credentials" ? [] : [`grant_type is ${form.get("grant_type")}`]),
    ...(scopes.some((scope) => scope.test(form.get("scope") ?? "")) ? [] : [`scope is ${form.get("scope")}`]),
    ...(answer.status !== 200 || (type === "Bearer" && typeof token === "string" && typeof seconds === "number")
      ? []
      : ["the answer is no token"]),
  ];
}
