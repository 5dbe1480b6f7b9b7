import type { Cmdlet, Row } from "./exchange";

/** A mailbox's own names, as the rows of `Get-Mailbox` and `Get-Recipient` show them. */
interface Names {
  signInName: string;
  primarySmtpAddress: string;
}

/**
 * Routing hints (`X-AnchorMailbox`): each leads to the server of a mailbox, and what one server has written another one shows only
 * after a while.
 *
 * Everything goes to the organisation's system mailbox, which is what Microsoft documents for an application: so a mailbox has one
 * anchor from before its creation on, whatever its address becomes. A cmdlet that only the mailbox's own server can run is refused
 * there ("Cmdlet needs proxy"); from then on whatever concerns this mailbox goes to it by its own names.
 *
 * @see https://learn.microsoft.com/exchange/reference/admin-api-authentication
 */
export class Anchors {
  readonly #names = new Map<string, Names>();
  /** By mailbox, as cmdlets name it: how often its anchor was changed. */
  readonly #changes = new Map<string, number>();

  /** Remembers the names of mailboxes that an answer shows. */
  learn(rows: readonly Row[]): void {
    for (const row of rows) {
      const id = textOf(row.ExternalDirectoryObjectId).toLowerCase();
      const names = {
        signInName: textOf(row.UserPrincipalName) || textOf(row.WindowsLiveID),
        primarySmtpAddress: textOf(row.PrimarySmtpAddress),
      };
      if (id !== "" && names.signInName + names.primarySmtpAddress !== "") {
        this.#names.set(id, names);
      }
    }
  }

  /** The anchor of a cmdlet; undefined for one that concerns no mailbox: that of the organisation. */
  of(cmdlet: Cmdlet | undefined, tenant: string): string {
    const organization = `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${tenant}`;
    const mailbox = cmdlet === undefined ? undefined : mailboxOf(cmdlet);
    const changes = mailbox === undefined ? 0 : (this.#changes.get(mailbox) ?? 0);
    if (mailbox === undefined || changes === 0) {
      return organization;
    }
    const { signInName = "", primarySmtpAddress = "" } = this.#names.get(mailbox) ?? {};
    const own = [
      ...(signInName === "" ? [] : [`UPN:${signInName}`]),
      ...(primarySmtpAddress === "" ? [] : [`SMTP:${primarySmtpAddress}`]),
      ...(mailbox.includes("@") ? [`SMTP:${mailbox}`] : []),
    ];
    const all = [organization, ...own];
    return all[changes % all.length] ?? organization;
  }

  /** The server that the cmdlet's anchor leads to cannot run it: the next one is used. */
  change(cmdlet: Cmdlet): void {
    const mailbox = mailboxOf(cmdlet);
    if (mailbox !== undefined) {
      this.#changes.set(mailbox, (this.#changes.get(mailbox) ?? 0) + 1);
    }
  }
}

/** What names the mailbox of a cmdlet: `Identity` is the rule's where there is a `Mailbox` too. */
function mailboxOf({ parameters }: Cmdlet): string | undefined {
  const named = textOf(parameters.Mailbox) || textOf(parameters.Identity);
  return named === "" ? undefined : named.toLowerCase();
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
