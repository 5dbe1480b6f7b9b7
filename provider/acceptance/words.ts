/** What a record may show as it is: the services' own vocabulary. Everything else in it is replaced. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Values of enumerations, compared whole and with case. */
export const VALUES = words(`
  Unlimited Enabled Disabled None All Mail Internal External True False Default Custom Known
  SharedMailbox UserMailbox RoomMailbox EquipmentMailbox MailUser MailContact MailUniversalSecurityGroup User Shared
  FullAccess SendAs SendOnBehalf ReadPermission ChangePermission ChangeOwner DeleteItem ExternalAccount Allow Deny
  alwaysEnabled scheduled disabled none all contactsOnly shared user linked inference default custom
  tenant application systemuser queue team mailbox businessunit organization UTC Authoritative InternalRelay
  monday tuesday wednesday thursday friday saturday sunday inbox text/html application/json
  sendToDelegateOnly sendToDelegateAndPrincipal sendToDelegateAndInformationToPrincipal
  DiscoveryMailbox ArbitraryMailbox GuestMailUser InlineAttachments FileAttachments
`);

/** Words that begin with a capital letter in the services' texts and belong to nobody. */
export const CAPITALISED = words(`
  A About Access According Account Accounts Action Active Actual Add After All Allowed Also An And Another Any Application
  Approve Are Argument As At Attribute Authorization Automatic Azure Bad Batch Because Before Body But By Can Cannot Change Check
  Clean Client Code Column Command Conflict Contact Continue Correlation Could Couldn Create Current Data Date Default Delete
  Directory Do Does Doesn Don Dual Duplicate Dynamics Each Either Email Empty Enabled Enforced Entity Entra Entry Error Errors
  Every Exchange Expected Expired Expiry Failed File Filter Following For Found From Full Get Graph Group Has Have He Host Http
  However If Immutable In Inbox Incoming Incorrect Insufficient Internal Invalid Is It Item Its Key Language Limit List Location
  Mail Mailbox Mailboxes Make Maximum Member Message Method Micro Microsoft Missing More Multiple Must Name Need New No Not
  Nothing Object Of Office On One Online Only Open Operation Or Organization Other Outgoing Owner Parameter Parameters Path Pending
  Permission Permissions Please Policy Port Prefer Priority Privilege Profile Property Provide Queue Read Reason Recipient
  Record Remove Request Requests Required Resource Response Result Retry Role Row Rule Rules Run Schema Select Send Server
  Service Set Several Should Sign Size Some Specify Specified Status Subject Success Sync System Target Team Tenant Test Text The
  There These This Those Time Timestamp To Token Too Trace Trustee Try Type Unable Unexpected Unknown Unlimited Update Use User
  Users Valid Value Values Version Virtual Warning We Web When Where Which While With Without Write Yes You Your
  Active-Directory Bad-Request Not-Found Forbidden Unauthorized Conflict Accepted Created
  January February July September October November December
  Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec
  Full-Access Send-As Bearer Basic Resultset Default-Expiry Inactive Forward Credentials
  AD AAD ACE ACL API ARM DC DN EXO GB GMT GUID HTTP HTTPS ID IMAP JSON KB LDAP MAPI MB NUL OAuth OData OOF OWA POP SID SMTP SPO TB UPN URI URL
  UTC XML CRM EX GET PATCH POST PUT DELETE
`);

/** Hosts that everybody talks to. */
export const PUBLIC_HOSTS = words(`
  outlook.office365.com outlook.office.com graph.microsoft.com login.microsoftonline.com login.windows.net sts.windows.net
  outlook.office365.us graph.microsoft.us dod-graph.microsoft.us login.microsoftonline.us
  partner.outlook.cn microsoftgraph.chinacloudapi.cn login.chinacloudapi.cn login.partner.microsoftonline.cn
  go.microsoft.com aka.ms docs.microsoft.com learn.microsoft.com localhost
`);
