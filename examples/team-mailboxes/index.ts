import * as pulumi from "@pulumi/pulumi";
import { TeamMailbox } from "./team-mailbox";
import { readTeams } from "./teams";

const config = new pulumi.Config();
const domain = config.require("domain");
// A stack says on purpose that its mailboxes may go.
const isProtected = config.getBoolean("protect") ?? true;

const teams = Object.entries(readTeams("mailboxes.yaml")).map(
  ([name, team]) => [name, new TeamMailbox(name, { team, domain }, { protect: isProtected && !team.leaving })] as const,
);

export const addresses = Object.fromEntries(teams.map(([name, { address }]) => [name, address]));
