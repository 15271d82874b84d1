package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

// The table: every type that this project uses or will use, under the name that pulumi_aws gives it. Overrides
// stand where the bridge's automatic name is another one than Pulumi's.

var managedByPulumi = &tfbridge.SchemaInfo{Default: &tfbridge.DefaultInfo{Value: "Managed by Pulumi"}}

func named(length int) *tfbridge.SchemaInfo { return tfbridge.AutoName("name", length, "-") }

func aliased(name string) string {
	if strings.HasPrefix(name, "alias/") {
		return name
	}
	return "alias/" + name
}

func resources() map[string]*tfbridge.ResourceInfo {
	rules := fields{"ingress": {Name: "ingress"}, "egress": {Name: "egress"}}
	lifecycle := of(fields{
		"abort_incomplete_multipart_upload": one, "expiration": one, "noncurrent_version_expiration": one,
		"filter": {MaxItemsOne: tfbridge.True(), Elem: &tfbridge.SchemaInfo{Fields: fields{"and": one, "tag": one}}},
	})
	return map[string]*tfbridge.ResourceInfo{
		// network
		"aws_vpc":                     res("ec2", "Vpc"),
		"aws_subnet":                  res("ec2", "Subnet"),
		"aws_internet_gateway":        res("ec2", "InternetGateway"),
		"aws_route_table":             res("ec2", "RouteTable"),
		"aws_route":                   res("ec2", "Route"),
		"aws_route_table_association": res("ec2", "RouteTableAssociation"),
		"aws_flow_log":                res("ec2", "FlowLog"),
		"aws_default_security_group":  res("ec2", "DefaultSecurityGroup", rules),
		"aws_security_group": res("ec2", "SecurityGroup", fields{
			"ingress": rules["ingress"], "egress": rules["egress"], "description": managedByPulumi}),
		"aws_vpc_security_group_ingress_rule": res("vpc", "SecurityGroupIngressRule"),
		"aws_vpc_security_group_egress_rule":  res("vpc", "SecurityGroupEgressRule"),
		// servers
		"aws_instance":                       res("ec2", "Instance"),
		"aws_eip":                            res("ec2", "Eip"),
		"aws_eip_association":                res("ec2", "EipAssociation"),
		"aws_ebs_volume":                     res("ebs", "Volume"),
		"aws_volume_attachment":              res("ec2", "VolumeAttachment"),
		"aws_ebs_encryption_by_default":      res("ebs", "EncryptionByDefault"),
		"aws_ebs_default_kms_key":            res("ebs", "DefaultKmsKey"),
		"aws_ec2_instance_metadata_defaults": res("ec2", "InstanceMetadataDefaults"),
		// watching
		"aws_cloudwatch_log_group":         res("cloudwatch", "LogGroup"),
		"aws_cloudwatch_metric_alarm":      res("cloudwatch", "MetricAlarm", fields{"alarm_name": named(255)}),
		"aws_cloudwatch_composite_alarm":   res("cloudwatch", "CompositeAlarm"),
		"aws_cloudwatch_dashboard":         res("cloudwatch", "Dashboard"),
		"aws_cloudwatch_log_metric_filter": res("cloudwatch", "LogMetricFilter"),
		"aws_cloudtrail":                   res("cloudtrail", "Trail"),
		"aws_accessanalyzer_analyzer":      res("accessanalyzer", "Analyzer"),
		"aws_sns_topic":                    res("sns", "Topic"),
		"aws_sns_topic_policy":             document(res("sns", "TopicPolicy"), "policy"),
		"aws_sns_topic_subscription":       res("sns", "TopicSubscription", fields{"topic_arn": {Name: "topic"}}),
		// identities, keys, secrets
		"aws_iam_role":                    document(res("iam", "Role", fields{"name": named(64)}), "assumeRolePolicy"),
		"aws_iam_policy":                  document(res("iam", "Policy"), "policy"),
		"aws_iam_role_policy":             document(res("iam", "RolePolicy", fields{"name": named(128)}), "policy"),
		"aws_iam_role_policy_attachment":  res("iam", "RolePolicyAttachment"),
		"aws_iam_instance_profile":        res("iam", "InstanceProfile"),
		"aws_iam_user":                    res("iam", "User", fields{"name": named(64)}),
		"aws_iam_group":                   res("iam", "Group", fields{"name": named(128)}),
		"aws_iam_group_policy":            document(res("iam", "GroupPolicy", fields{"name": named(128)}), "policy"),
		"aws_iam_user_group_membership":   res("iam", "UserGroupMembership"),
		"aws_iam_account_password_policy": res("iam", "AccountPasswordPolicy"),
		"aws_kms_key":                     document(res("kms", "Key"), "policy"),
		"aws_kms_replica_key":             document(res("kms", "ReplicaKey"), "policy"),
		"aws_kms_alias": res("kms", "Alias", fields{
			"name": tfbridge.AutoNameTransform("name", 249, aliased)}),
		"aws_ssm_parameter":                 res("ssm", "Parameter"),
		"aws_secretsmanager_secret":         res("secretsmanager", "Secret"),
		"aws_secretsmanager_secret_version": res("secretsmanager", "SecretVersion"),
		// storage
		"aws_s3_bucket": document(res("s3", "Bucket", fields{
			"bucket": tfbridge.AutoNameTransform("bucket", 63, strings.ToLower)}), "policy"),
		"aws_s3_bucket_versioning":                           res("s3", "BucketVersioning"),
		"aws_s3_bucket_server_side_encryption_configuration": res("s3", "BucketServerSideEncryptionConfiguration"),
		"aws_s3_bucket_public_access_block":                  res("s3", "BucketPublicAccessBlock"),
		"aws_s3_account_public_access_block":                 res("s3", "AccountPublicAccessBlock"),
		"aws_s3_bucket_ownership_controls":                   res("s3", "BucketOwnershipControls"),
		"aws_s3_bucket_lifecycle_configuration":              res("s3", "BucketLifecycleConfiguration", fields{"rule": lifecycle}),
		"aws_s3_bucket_object_lock_configuration":            res("s3", "BucketObjectLockConfiguration"),
		"aws_s3_bucket_policy":                               document(res("s3", "BucketPolicy"), "policy"),
		"aws_s3_bucket_logging":                              res("s3", "BucketLogging"),
		"aws_s3_bucket_object":                               res("s3", "BucketObject"),
		"aws_s3_object":                                      res("s3", "BucketObjectv2"),
		"aws_backup_vault":                                   res("backup", "Vault", fields{"name": named(50)}),
		"aws_backup_plan":                                    res("backup", "Plan", fields{"name": named(50)}),
		"aws_backup_selection":                               res("backup", "Selection", fields{"name": named(50)}),
	}
}

func dataSources() map[string]*tfbridge.DataSourceInfo {
	return map[string]*tfbridge.DataSourceInfo{
		"aws_caller_identity":     fn("index", "getCallerIdentity"),
		"aws_region":              fn("index", "getRegion"),
		"aws_partition":           fn("index", "getPartition"),
		"aws_availability_zones":  fn("index", "getAvailabilityZones"),
		"aws_ami":                 fn("ec2", "getAmi"),
		"aws_eip":                 fn("ec2", "getElasticIp"),
		"aws_iam_policy_document": fn("iam", "getPolicyDocument"),
		"aws_s3_objects":          fn("s3", "getObjects"),
	}
}

func config() fields {
	return fields{"default_tags": one, "ignore_tags": one, "assume_role_with_web_identity": one}
}
