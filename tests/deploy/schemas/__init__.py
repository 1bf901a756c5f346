"""The schemas of Compose and Kubernetes, cut down to the kinds that `deploy/` has, without their descriptions.

Both are Apache-2.0: of the Compose specification as `check-jsonschema` carries it, of Kubernetes (strict: no unknown
fields) as `kubernetes-validate` does. Made anew, with these two installed, by `python -m tests.deploy.schemas.cut`.
"""
