import * as pulumi from "@pulumi/pulumi";
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";

/** What a team asks for. */
export interface TeamMailboxArgs {
  /** Local part of the address, in contoso.com. */
  name: string;
  people: string[];
}

/** A team's shared mailbox as this company wants it: only the team, and a note of who owns it. */
export class TeamMailbox extends pulumi.ComponentResource {
  readonly address: pulumi.Output<string>;
  readonly members: pulumi.Output<string[]>;

  constructor(name: string, { name: localPart, people }: TeamMailboxArgs, options?: pulumi.ComponentResourceOptions) {
    super("contoso:mail:TeamMailbox", name, {}, options);
    const mailbox = new SharedMailbox(
      name,
      {
        displayName: `Team ${localPart}`,
        primarySmtpAddress: `${localPart}@contoso.com`,
        customAttributes: { 1: `team: ${localPart}` },
      },
      { parent: this },
    );
    const membership = new MailboxMembership(
      `${name}-members`,
      { mailbox: mailbox.id, members: people, exclusive: true },
      // A child of the mailbox: protecting the mailbox keeps its people too.
      { parent: mailbox },
    );
    this.address = mailbox.primarySmtpAddress;
    this.members = membership.members.apply((members) => Object.keys(members));
    this.registerOutputs();
  }
}
