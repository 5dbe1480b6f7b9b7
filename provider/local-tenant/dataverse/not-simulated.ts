import { names } from "../values";

import type { TableName } from "./columns";

/**
 * What the Web API has and the tenant does not simulate, so that it is not mistaken for a typing error. Sets are in lower case;
 * functions and actions are written in PascalCase, and bound ones carry the namespace.
 *
 * @see https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/about
 */
const sets = new Set(
  names(
    `accounts activityparties activitymimeattachments activitypointers aciviewmappers annotations appmodules appointments
     asyncoperations attributes audits bulkdeleteoperations businessunits calendars canvasapps catalogs channelproperties columnmappings
     competitors connectionreferences connectionroles connections connectors contacts contracts customapis customeraddresses
     customerrelationships duplicaterules duplicaterecords dynamicproperties emails emailsignatures entities entitlements
     environmentvariabledefinitions environmentvariablevalues exchangesyncidmappings expiredprocesses faxes feedback
     fieldpermissions fieldsecurityprofiles flowsessions goals importfiles imports incidents internaladdresses
     interactionforemails invoices kbarticles knowledgearticles languagelocale leads letters lists mailboxstatisticses
     mailboxtrackingcategories mailboxtrackingfolders mailmergetemplates managedidentities metrics monthlyfiscalcalendars
     msdyn_solutioncomponentsummaries notes opportunities organizationsettings owners personaldocumenttemplates phonecalls
     plugins pluginassemblies pluginpackages plugintracelogs plugintypes positions postfollows posts pricelevels principalobjectaccessset
     privileges processsessions processstages products publishers queueitemcounts queueitems queuemembercounts queuememberships
     quotes ratingmodels recurringappointmentmasters relationshiproles reports resources roles roleprivilegescollection
     routingrules routingruleitems salesorders savedqueries savedqueryvisualizations sdkmessagefilters
     sdkmessageprocessingsteps sdkmessages serviceappointments services sharepointdocumentlocations sharepointsites sites sitemaps slas
     socialactivities socialprofiles solutioncomponents solutions stagesolutionuploads subjects subscriptions
     syncerrors systemforms systemuserprofilescollection systemuserrolescollection systemusersyncmappingprofilescollection
     tasks teammemberships teamprofilescollection teamrolescollection teamtemplates templates territories themes
     timezonedefinitions timezonelocalizednames timezonerules transactioncurrencies userentityuisettings usermappings userqueries
     usersettingscollection webresourceset workflowlogs workflows`,
  ),
);

const definitions = new Set(
  names("GlobalOptionSetDefinitions RelationshipDefinitions ManagedPropertyDefinitions EntityKeyDefinitions"),
);

const operations = new Set(
  names(
    `AddMembersTeam AddPrincipalToQueue AddPrivilegesRole AddToQueue AddUserToRecordTeam ApplyRoutingRule AssociateEntities
     BulkDelete CalculateRollupField CalculateTotalTimeIncident CanBeReferenced CanBeReferencing CanManyToMany CheckIncomingEmail
     CheckPromoteEmail CloneAsPatch CloneAsSolution CreateMultiple DeleteMultiple DeliverIncomingEmail DeliverPromoteEmail
     ExecuteCosmosSqlQuery ExecuteWorkflow ExportSolution FormatAddress GenerateSharedLink GetAllTimeZonesWithDisplayName
     GetDefaultPriceLevel GetNextAutoNumberValue GetQuantityDecimal GetReportHistoryLimit GetTimeZoneCodeByLocalizedName
     GetTrackingTokenEmail GetValidManyToMany GetValidReferencedEntities GetValidReferencingEntities GrantAccess ImportSolution
     InitializeFrom InitializeModernFlowFromAsyncWorkflow InstantiateTemplate IsDataEncryptionActive IsValidStateTransition
     LocalTimeFromUtcTime Merge ModifyAccess PickFromQueue PublishAllXml PublishXml QueryMultipleSchedules QuerySchedule
     ReleaseToQueue RemoveFromQueue RemoveMembersTeam RemovePrivilegeRole RemoveUserFromRecordTeam ReplacePrivilegesRole
     RetrieveAadUserPrivileges RetrieveAadUserRoles RetrieveAadUserSetOfPrivilegesByIds RetrieveAllEntities
     RetrieveAttributeChangeHistory RetrieveAvailableLanguages RetrieveCurrentOrganization RetrieveDependentComponents
     RetrieveDeprovisionedLanguages RetrieveDuplicates RetrieveEntity RetrieveEntityChanges RetrieveFormattedImportJobResults
     RetrieveInstalledLanguagePacks RetrieveLicenseInfo RetrieveLocLabels RetrieveMetadataChanges RetrieveOrganizationInfo
     RetrieveOrganizationResources RetrievePrincipalAccess RetrievePrincipalAttributePrivileges RetrievePrivilegeSet
     RetrieveProvisionedLanguages RetrieveRecordChangeHistory RetrieveSharedPrincipalsAndAccess RetrieveTeamPrivileges
     RetrieveTimestamp RetrieveTotalRecordCount RetrieveUnpublishedMultiple RetrieveUserLicenseInfo RetrieveUserPrivilegeByPrivilegeId
     RetrieveUserPrivilegeByPrivilegeName RetrieveUserPrivileges RetrieveUserQueues RetrieveUserSetOfPrivilegesByIds RetrieveVersion
     RevokeAccess RouteTo SendEmail SendEmailFromTemplate SendTemplate SetAutoNumberSeed SetBusinessSystemUser SetParentSystemUser
     UpdateMultiple UpdateUserSettingsSystemUser UpsertMultiple UtcTimeFromLocalTime ValidateRecurrenceRule WhoAmI`,
  ),
);

/** Navigation properties with many rows, by table; those with one are columns of `schema`. */
const collections: Readonly<Record<TableName, ReadonlySet<string>>> = {
  mailbox: new Set(
    names(
      `Mailbox_AsyncOperations Mailbox_BulkDeleteFailures Mailbox_DuplicateBaseRecord Mailbox_DuplicateMatchingRecord
       mailbox_mailboxtrackingfolders mailbox_principalobjectattributeaccess Mailbox_ProcessSessions Mailbox_SyncErrors
       mailbox_userentityinstancedatas tracelog_Mailbox`,
    ),
  ),
  emailserverprofile: new Set(
    names(
      `EmailServerProfile_Annotation EmailServerProfile_AsyncOperations emailserverprofile_bulkdeletefailures emailserverprofile_mailbox
       emailserverprofile_organization tracelog_EmailServerProfile`,
    ),
  ),
  queue: new Set(
    names(
      `queue_activity_parties Queue_AsyncOperations Queue_BulkDeleteFailures Queue_DuplicateBaseRecord
       Queue_DuplicateMatchingRecord Queue_Email_EmailSender queue_entries queue_PostFollows queue_PostRegardings
       queue_principalobjectattributeaccess Queue_ProcessSessions queue_regardingobjectid_mailbox queue_routingruleitem Queue_SyncErrors
       queue_system_user queue_team queuemembership_association`,
    ),
  ),
  systemuser: new Set(
    names(
      `lk_mailbox_createdby lk_mailbox_modifiedby lk_queue_createdby lk_queue_modifiedby queuemembership_association
       SystemUser_AsyncOperations SystemUser_Email_EmailSender systemuser_PostFollows systemuser_principalobjectattributeaccess
       systemuser_regardingobjectid_mailbox systemuserprofiles_association systemuserroles_association
       systemusersyncmappingprofiles_association teammembership_association user_mailbox user_owner_postfollows user_parent_user
       user_settings`,
    ),
  ),
  team: new Set(
    names(
      `queuemembership_association team_annotations Team_AsyncOperations team_email team_mailbox
       team_principalobjectattributeaccess teammembership_association teamprofiles_association teamroles_association teamtemplate_Teams`,
    ),
  ),
  organization: new Set(
    names(
      `organization_business_units organization_mailbox organization_queues organization_roles organization_system_users
       organization_teams organization_tracelog`,
    ),
  ),
  tracelog: new Set(names("TraceLog_AsyncOperations tracelog_parent_tracelog TraceLog_BulkDeleteFailures")),
};

const options = new Set(["$apply", "fetchXml", "savedQuery", "userQuery"]);

/** Whether the Web API has this first segment of a path. */
export function isRealResource(segment: string): boolean {
  return sets.has(segment) || definitions.has(segment) || operations.has(segment);
}

/** Whether a table has this navigation property with many rows, or the segment is a bound function or action. */
export function isRealMember(table: TableName, segment: string): boolean {
  return collections[table].has(segment) || /^Microsoft\.Dynamics\.CRM\.[A-Za-z]+$/.test(segment);
}

/** Whether the Web API has this query option, or it is the alias of a parameter. */
export function isRealOption(option: string): boolean {
  return options.has(option) || option.startsWith("@");
}
