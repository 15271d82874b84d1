"""The AWS resources of a customer; the only code that imports pulumi_aws. One component a file."""
