/** The door of `pulumi-mailboxes/policy`: rules about mailboxes, as policies of a policy pack. */
import type { Policies, ReportViolation, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";
import { ANY_INPUT, type Declared, kindOf, type MailboxPolicyOptions, rulesFor, UNKNOWN } from "./review/rules";

export type { Level, MailboxPolicyOptions, Pattern, RuledMailbox, Switch } from "./review/rules";
export { EVERYONE } from "./review/rules";

/**
 * The policies for a policy pack: `new PolicyPack("mailboxes", { policies: mailboxPolicies({ … }) })`. They look at resources of this
 * package only, and see the inputs as a preview shows them. A value that a preview does not know yet is looked at in `pulumi up`. A
 * message names no value, which might be a secret.
 *
 * @param options which rules hold, with their parameters and levels.
 * @throws Error when an option is wrong; it begins with the option's path.
 *
 * @example
 * new PolicyPack("mailboxes", {
 *   policies: mailboxPolicies({
 *     externalForwarding: { domains: ["contoso.com", "fabrikam.example"] },
 *     tooManyMembers: { most: 10, enforcementLevel: "advisory" },
 *     notExclusive: "mandatory",
 *   }),
 * });
 */
export function mailboxPolicies(options: MailboxPolicyOptions = {}): Policies {
  return rulesFor(options).map(({ code, rule, level, parameters }) => {
    const report = (resources: readonly Declared[], reportViolation: ReportViolation): void => {
      for (const resource of resources.filter(({ kind }) => kind === rule.kind)) {
        // Without the values in them, several messages may be the same.
        for (const message of new Set(rule.violations(resource, parameters, { resources, domains: [] }))) {
          reportViolation(message, resource.urn);
        }
      }
    };
    const common = { name: code, description: rule.description, enforcementLevel: level };
    return rule.isOfStack
      ? {
          ...common,
          validateStack: ({ resources }: StackValidationArgs, reportViolation: ReportViolation) =>
            report(
              resources.flatMap(({ type, props, urn, propertyDependencies: { mailbox = [] } }) =>
                declaredBy(
                  type,
                  props,
                  urn,
                  mailbox.map((one) => one.urn),
                ),
              ),
              reportViolation,
            ),
        }
      : {
          ...common,
          validateResource: ({ type, props, urn }: ResourceValidationArgs, reportViolation: ReportViolation) =>
            report(declaredBy(type, props, urn, []), reportViolation),
        };
  });
}

/** A resource as a policy sees it; none for one of another package. */
function declaredBy(type: string, props: object, urn: string, mailboxFrom: readonly string[]): Declared[] {
  const kind = kindOf(type);
  return kind === undefined ? [] : [{ urn, kind, inputs: inputsOf(props), mailboxFrom }];
}

/** Inputs of a policy. The framework takes the secrecy off values, and does not pass on which of them were secrets. */
function inputsOf(props: object): Record<string, unknown> {
  return { ...plain(props), __secrets: [ANY_INPUT] };
}

/** Values as plain data. The policy framework throws where one is read that a preview does not know yet. */
function plain(props: object): Record<string, unknown> {
  return Object.fromEntries(Object.keys(props).map((name) => [name, read(() => props[name as keyof typeof props])]));
}

function read(value: () => unknown): unknown {
  let known: unknown;
  try {
    known = value();
  } catch {
    return UNKNOWN;
  }
  if (Array.isArray(known)) {
    return Array.from({ length: known.length }, (_, index) => read(() => (known as unknown[])[index]));
  }
  return typeof known === "object" && known !== null ? plain(known) : known;
}
