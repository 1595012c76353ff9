"""Refusals about applications, service accounts, grants and the keys of tokens."""

from domain.kernel.errors import Conflict, NotFound, Refused


class ServiceAccountNotFound(NotFound):
    """There is no such service account for this caller."""

    code = "security.service_account_not_found"
    hint = "GET /v1/security/service-accounts lists them."


class ServiceAccountUnusable(Conflict):
    """This service account was disabled, and does not come back."""

    code = "security.service_account_unusable"
    hint = "POST /v1/security/service-accounts makes another."


class ApplicationNotFound(NotFound):
    """There is no such application for this caller."""

    code = "security.application_not_found"
    hint = "GET /v1/security/applications lists them."


class ApplicationInvalid(Refused):
    """This is no application that could work; details tell what does not fit together."""

    code = "security.application_invalid"
    status = 422
    hint = "Mend what details name, and send it again."


class ApplicationWithoutSecrets(Conflict):
    """This application has no secrets: it proves who it is by other means, or was disabled."""

    code = "security.application_without_secrets"
    hint = "Register another with client_secret_basic if it can keep a secret."


class AuthorizationNotFound(NotFound):
    """There is no such authorization for this caller."""

    code = "security.authorization_not_found"
    hint = "GET /v1/security/authorizations/mine lists yours."


class AuthorizationRefused(Refused):
    """The application's request cannot be answered; details have the error as OAuth names it."""

    code = "security.authorization_refused"
    hint = "The application has to send another request."


class UserCodeUnknown(NotFound):
    """No device waits with this code."""

    code = "security.user_code_unknown"
    hint = "Look at the device again: codes are short-lived, and belong to one organisation."


class SigningKeyNotFound(NotFound):
    """There is no such signing key."""

    code = "security.signing_key_not_found"
    hint = "GET /v1/security/signing-keys lists them."


class CertificateInvalid(Refused):
    """No program could come with this certificate; details say why."""

    code = "security.certificate_invalid"
    status = 422
    hint = "Send one X.509 certificate in PEM, of the program, for client authentication."


class CertificateKnown(Conflict):
    """This certificate is registered already."""

    code = "security.certificate_known"
    hint = "Each service account needs a certificate of its own; revoke it where it is before you move it."


class CertificateNotFound(NotFound):
    """There is no such certificate for this caller."""

    code = "security.certificate_not_found"
    hint = "GET /v1/security/client-certificates lists them."


class IdentityProviderNotFound(NotFound):
    """There is no such identity provider for this caller."""

    code = "security.identity_provider_not_found"
    hint = "GET /v1/security/identity-providers lists them."


class IdentityProviderInvalid(Refused):
    """This is no identity provider that people could sign in at; details tell what does not fit."""

    code = "security.identity_provider_invalid"
    status = 422
    hint = "Mend what details name: the issuer is what its /.well-known/openid-configuration calls itself."
