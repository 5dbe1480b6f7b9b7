import type { Part, Recording } from "../recording";
import { isMembers, membersOf, parsed } from "./common";
import { dataverseComplaints } from "./dataverse";
import { cmdletsIn, exchangeComplaints } from "./exchange";
import { graphComplaints } from "./graph";
import { signInComplaints } from "./sign-in";

const checks: Record<Part, (recording: Recording) => string[]> = {
  exchange: exchangeComplaints,
  graph: graphComplaints,
  dataverse: dataverseComplaints,
  login: signInComplaints,
  // The local tenant's own interface is no service's.
  control: () => [],
};

/** Everything that is not as the wire tables have it, each complaint with the request it is about. */
export function complaintsAbout(recordings: readonly Recording[]): string[] {
  return [
    ...new Set([
      ...recordings.flatMap((recording) =>
        checks[recording.part](recording).map((text) => `${nameOf(recording)}: ${text}`),
      ),
      ...complaintsAboutAll(recordings),
    ]),
  ];
}

function nameOf(recording: Recording): string {
  const { part, method, path } = recording;
  const body = parsed(recording.body);
  return part === "exchange" && isMembers(body)
    ? cmdletsIn(recording)
        .map(({ name }) => name)
        .join(", ")
    : `${method} ${path.split("?")[0]}`;
}

/**
 * What shows only when requests are seen together: ids that are one's own, one connection a process, and nothing purged that was
 * not seen among the deleted.
 */
function complaintsAboutAll(recordings: readonly Recording[]): string[] {
  const ids = recordings.flatMap(({ headers }) => headers["client-request-id"] ?? []);
  const connections = new Set(recordings.flatMap(({ headers }) => headers["connection-id"] ?? []));
  return [
    ...(new Set(ids).size === ids.length ? [] : ["two requests have the same client-request-id"]),
    ...(connections.size > 1 ? ["requests of one process have different connection-ids"] : []),
    ...purgedUnseen(recordings),
  ];
}

/** Only its ExchangeGuid tells a deleted mailbox from others that had the same address. */
function purgedUnseen(recordings: readonly Recording[]): string[] {
  const calls = recordings.filter(({ part }) => part === "exchange").flatMap(cmdletsIn);
  const deleted = calls
    .filter(({ parameters }) => parameters.SoftDeletedMailbox === true)
    .flatMap(({ answer }) => [membersOf(answer).value].flat())
    .map((row) => membersOf(row).ExchangeGuid);
  return calls
    .filter(({ parameters }) => parameters.PermanentlyDelete === true)
    .filter(({ parameters: { Identity: identity } }) => !deleted.includes(identity))
    .map(({ parameters }) => `${String(parameters.Identity)} is purged and was not seen among the deleted mailboxes`);
}
