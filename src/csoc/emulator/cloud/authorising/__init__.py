"""From a call to what it asks of IAM: actions, resources and condition keys.

`reference` holds the facts of the Service Authorization Reference, `naming` makes ARNs from parameters, `asking` puts
both together, and the modules named after services hold what is special to these.
"""
