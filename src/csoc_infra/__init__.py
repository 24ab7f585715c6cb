"""The CDK app that makes csoc's templates for AWS from one JSON document.

It imports nothing from csoc, asks no account and looks nothing up: names, sizes and identifiers are in the document, so
that `cdk synth` anywhere gives the same templates as csoc's own worker.
"""
