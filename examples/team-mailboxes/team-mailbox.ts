import * as pulumi from "@pulumi/pulumi";
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";
import type { Team } from "./teams";

/** What a {@link TeamMailbox} is made from. */
export interface TeamMailboxArgs {
  team: Team;
  /** The domain of its address and of its people. */
  domain: string;
}

/** A team's mailbox, and exactly its people on it. */
export class TeamMailbox extends pulumi.ComponentResource {
  readonly address: pulumi.Output<string>;

  /** @param name the team, and the name before the @ in the mailbox's address. */
  constructor(name: string, { team, domain }: TeamMailboxArgs, options?: pulumi.ComponentResourceOptions) {
    super("contoso:mail:TeamMailbox", name, {}, options);
    const mailbox = new SharedMailbox(
      name,
      {
        displayName: team.displayName,
        primarySmtpAddress: `${name}@${domain}`,
        // False is said on purpose: one that somebody sets by hand is drift.
        forwarding: team.forwardTo === undefined ? false : { to: team.forwardTo },
        restoreDeleted: team.restoreDeleted,
      },
      { parent: this },
    );
    new MailboxMembership(
      `${name}-members`,
      {
        mailbox: mailbox.id,
        members: team.people.map((person) => (person.includes("@") ? person : `${person}@${domain}`)),
        exclusive: true,
      },
      // A child takes `protect` from its parent: who protects the mailbox keeps its people too.
      { parent: mailbox },
    );
    this.address = mailbox.primarySmtpAddress;
    this.registerOutputs({ address: this.address });
  }
}
