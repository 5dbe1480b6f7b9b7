/** What an application may do in Graph, each admitted by any one of its roles. */
export type Permission = keyof typeof admitting;

const directoryRead = ["Directory.Read.All", "Directory.ReadWrite.All"];
const userRead = ["User.Read.All", "User.ReadWrite.All", ...directoryRead];
const groupRead = ["Group.Read.All", "Group.ReadWrite.All", ...directoryRead];

/**
 * Which app role admits what, from the permission table of each operation's reference page. `Directory.ReadWrite.All` does not
 * delete users; `User.EnableDisableAccount.All` writes `accountEnabled` and nothing else.
 */
export const admitting = {
  // @documented graph.operation-roles: Which role admits which operation [Microsoft Graph reference: permission table of each
  // operation]
  readUsers: userRead,
  createUsers: ["User.ReadWrite.All", "Directory.ReadWrite.All"],
  updateUsers: ["User.ReadWrite.All", "Directory.ReadWrite.All"],
  enableUsers: ["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  patchUsers: ["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  deleteUsers: ["User.DeleteRestore.All", "User.ReadWrite.All"],
  readDeletedUsers: ["User.DeleteRestore.All", ...userRead],
  revokeSessions: ["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  assignLicenses: ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  readLicenses: ["LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", ...userRead],
  readSkus: [
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    ...directoryRead,
  ],
  readGroups: ["GroupMember.Read.All", "GroupMember.ReadWrite.All", ...groupRead],
  readDirectoryObjects: ["User.Read.All", "User.ReadWrite.All", ...groupRead],
  readDomains: ["Domain.Read.All", "Domain.ReadWrite.All", ...directoryRead],
  readOrganization: ["Organization.Read.All", "Organization.ReadWrite.All", ...directoryRead],
  readMailboxSettings: ["MailboxSettings.Read", "MailboxSettings.ReadWrite"],
  writeMailboxSettings: ["MailboxSettings.ReadWrite"],
  sendMail: ["Mail.Send"],
  readMail: ["Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"],
} as const satisfies Record<string, readonly string[]>;

/** Permissions the mailbox store checks: it refuses with ErrorAccessDenied where the directory says Authorization_RequestDenied. */
export const mailboxPermissions: ReadonlySet<Permission> = new Set([
  "readMailboxSettings",
  "writeMailboxSettings",
  "readMail",
  "sendMail",
]);

/** True when one of `roles` admits `permission`. */
export function admits(roles: readonly string[], permission: Permission): boolean {
  // @observed graph.missing-role: Missing roles: 403 Authorization_RequestDenied in the directory, 403 ErrorAccessDenied in the
  // mailbox store [public issue threads of Graph clients]
  // @documented graph.enable-disable-role: User.EnableDisableAccount.All admits a PATCH of accountEnabled alone [Microsoft Graph
  // reference: user-update]
  const needed: readonly string[] = admitting[permission];
  return roles.some((role) => needed.includes(role));
}
