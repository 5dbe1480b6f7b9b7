import { BagRecorder } from "../core/bag";
import type { Properties } from "../core/kind";
import { Recorder, type Recording } from "../core/memory";
import { bounds, type Deployment, operationOf } from "../dynamic/deployment";
import { plain } from "../dynamic/wire-values";
import type { Kind } from "../kinds";
import { mailboxMembership } from "../kinds/mailbox-membership/reconciler";
import { providerText, typeToken } from "../resources/dynamic-resource";
import type { Mailbox } from "../services/mailboxes";
import { declaredMembership } from "./membership";
import { membershipName, type Names, namesOf } from "./names";
import { declaredMailbox } from "./shared-mailbox";
import type { ProgramMailbox } from "./write";

/** Where the resources are to be: it stands in the origin that every resource keeps from its birth. */
export interface Place {
  project: string;
  stack: string;
}

/** A resource of a Pulumi import file, with everything the engine keeps of it: it is not read again. */
export interface ImportedResource {
  type: string;
  name: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/** What was found in a tenant. */
export interface Survey {
  resources: ImportedResource[];
  mailboxes: ProgramMailbox[];
  /** Sentences about mailboxes that were left out. */
  left: string[];
  /** Patterns that fit no mailbox. */
  unmatched: string[];
}

/**
 * Reads the shared mailboxes of a tenant and who has access to them: one listing, then accounts and permissions in batches.
 * Nothing is changed.
 *
 * The resources carry the outputs and the two hidden inputs that the engine would hold after a refresh. `__origin` is the URN
 * a resource is born with. It is carried forward from the state ever after, so that a project or stack of another name than
 * given here changes nothing in a plan; from it come the texts by which a mailbox, should it ever be created anew, is known as
 * this resource's work.
 *
 * @param patterns primary addresses wanted, `*` for any characters; none means all.
 * @throws ServiceError when something cannot be read: a list that is not whole is not written.
 */
export async function survey(deployment: Deployment, patterns: readonly string[], place: Place): Promise<Survey> {
  const { services } = deployment;
  const operation = <Inputs, Memory>(kind: Kind, name: string, recording: Recording<Inputs, Memory>) =>
    operationOf(deployment, originAt(place, kind, name), recording);
  const tenantId = await services.tenantId(bounds());
  const all = (await services.mailboxes.shared()).sort((a, b) =>
    a.primarySmtpAddress < b.primarySmtpAddress ? -1 : 1,
  );
  // Over all mailboxes, so that a narrower choice gives the same mailbox no other name.
  const names = namesOf(all.map(({ primarySmtpAddress }) => primarySmtpAddress));
  const wanted = patterns.map(matcher);
  const chosen = all.filter(
    ({ primarySmtpAddress }) => wanted.length === 0 || wanted.some((fits) => fits.test(primarySmtpAddress)),
  );

  const imported = (kind: Kind, name: string, mailbox: Mailbox, inputs: Properties, outputs: Properties) => {
    const hidden = { __provider: providerText(kind), __origin: originAt(place, kind, name) };
    return {
      type: typeToken(kind),
      name,
      id: mailbox.id,
      inputs: plain({ ...inputs, ...hidden }),
      outputs: plain({ ...inputs, ...outputs, tenantId, ...hidden }),
    };
  };
  const found = await Promise.all(
    chosen.map(async (mailbox) => {
      const { name, variable } = names.get(mailbox.primarySmtpAddress) as Names;
      const refused = (reason: string) => ({ refusal: `${mailbox.primarySmtpAddress} is not imported: ${reason}` });
      if (mailbox.isDirSynced) {
        return refused("it is synchronised from on-premises, where it is managed.");
      }
      const user = await services.graph.user(mailbox.id);
      if (user === undefined) {
        return refused("Entra does not show its account.");
      }
      const [declared, membership] = await Promise.all([
        declaredMailbox({ mailbox, user }, operation("SharedMailbox", name, new BagRecorder({}, undefined))),
        declaredMembership(
          mailbox,
          operation("MailboxMembership", membershipName(name), new Recorder(mailboxMembership, {})),
        ),
      ]);
      if ("refusal" in declared) {
        return refused(declared.refusal);
      }
      const hasMembers = membership.members !== undefined;
      const members = membershipName(name);
      return {
        resources: [
          imported("SharedMailbox", name, mailbox, declared.inputs, declared.outputs),
          ...(hasMembers
            ? [imported("MailboxMembership", members, mailbox, membership.inputs, membership.outputs)]
            : []),
        ],
        program: {
          name,
          variable,
          declared: declared.program,
          membership: hasMembers ? { name: members, members: membership.members } : undefined,
          notes: [...declared.notes, ...membership.notes],
        },
      };
    }),
  );
  return {
    resources: found.flatMap((one) => ("resources" in one ? one.resources : [])),
    mailboxes: found.flatMap((one) => ("program" in one ? [one.program] : [])),
    left: found.flatMap((one) => ("refusal" in one ? [one.refusal] : [])),
    unmatched: patterns.filter((_, index) => !chosen.some((one) => wanted[index]?.test(one.primarySmtpAddress))),
  };
}

/** The URN a resource of the stack has that stands at its top. */
function originAt({ project, stack }: Place, kind: Kind, name: string): string {
  return `urn:pulumi:${stack}::${project}::${typeToken(kind)}::${name}`;
}

function matcher(pattern: string): RegExp {
  const parts = pattern.trim().split("*");
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "i");
}
