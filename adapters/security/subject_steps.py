"""Every module's part in answering a data subject, and the signature under it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import orjson

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.personal_data import HoldsPersonalData
from adapters.postgres.session import Session
from adapters.security.keyring import PostgresKeyRing
from adapters.security.postgres import PostgresSecurityUnitOfWork
from domain.kernel.ids import TenantId
from domain.kernel.personal_data import Receipt
from domain.security import subjects
from domain.security.checkpoint import CheckpointSigner
from domain.security.envelope import NONCE_BYTES
from domain.security.ids import SubjectRequestId
from domain.security.subject_commands import FollowSubjectRequest, SubjectRequestState, SubjectStep
from domain.security.subject_errors import DocumentNotThere
from domain.security.subject_model import SubjectRequestKind, SubjectRequestStatus

_EVERYBODY_HAS_ERASED = (SubjectRequestKind.ERASURE, SubjectRequestStatus.RUNNING, ())


class PostgresSubjectSteps:
    """See `domain.security.subject_ports.SubjectSteps`. holders: one for each module, in the order of receipts."""

    def __init__(
        self,
        database: Database,
        keys: PostgresKeyRing,
        signer: CheckpointSigner,
        holders: Sequence[HoldsPersonalData],
    ) -> None:
        self._database, self._keys, self._signer = database, keys, signer
        self._holders = {holder.module: holder for holder in holders}
        self.modules = tuple(self._holders)

    async def settle(self, cmd: FollowSubjectRequest) -> SubjectRequestState:
        """Let it begin if it is time; where it stands."""
        return await self._database.run(
            None,
            lambda session: subjects.settle(PostgresSecurityUnitOfWork(session), cmd, self.modules, now=utc_now()),
        )

    async def step(self, cmd: SubjectStep) -> SubjectRequestState:
        """One module's part and its receipt, in one transaction, unless something has come in the way."""
        cipher = await self._keys.cipher(cmd.tenant_id)

        async def work(session: Session) -> SubjectRequestState:
            uow = PostgresSecurityUnitOfWork(session)
            state = await subjects.settle(uow, cmd, self.modules, now=utc_now())
            if state.status != SubjectRequestStatus.RUNNING or cmd.module not in state.modules:
                return state
            id_, holder = cmd.subject_request_id, self._holders[cmd.module]
            subject = await uow.subjects.subject_of(id_)
            if state.kind == SubjectRequestKind.ERASURE:
                await uow.subjects.add_receipt(id_, cmd.tenant_id, await holder.erase(session, subject), None)
                return state
            found = await holder.find(session, subject)
            receipt = Receipt(module=cmd.module, found=len(found))
            sealed = cipher.seal(
                orjson.dumps(found), nonce=os.urandom(NONCE_BYTES), context=f"{id_}/{cmd.module}".encode()
            )
            await uow.subjects.add_receipt(id_, cmd.tenant_id, receipt, sealed)
            return state

        return await self._database.run(None, work)

    async def complete(self, cmd: FollowSubjectRequest) -> SubjectRequestState:
        """Look again, erase what has come meanwhile, and sign, in one transaction."""

        async def work(session: Session) -> SubjectRequestState:
            uow = PostgresSecurityUnitOfWork(session)
            state = await subjects.settle(uow, cmd, self.modules, now=utc_now())
            left = 0
            if (state.kind, state.status, state.modules) == _EVERYBODY_HAS_ERASED:
                subject = await uow.subjects.subject_of(cmd.subject_request_id)
                for holder in self._holders.values():
                    if await holder.left(session, subject):
                        await holder.erase(session, subject)
                        left += await holder.left(session, subject)
            return await subjects.complete(uow, cmd, self.modules, left=left, signer=self._signer, now=utc_now())

        return await self._database.run(None, work)

    async def document(self, tenant: TenantId, id: SubjectRequestId) -> bytes:
        """The export as JSON. Raises SubjectRequestNotFound, DocumentNotThere."""
        cipher = await self._keys.cipher(tenant)

        async def work(session: Session) -> bytes:
            uow = PostgresSecurityUnitOfWork(session)
            request = await uow.subjects.get(tenant, id, lock=False)
            parts = await uow.subjects.exported(id)
            if request.document_until is None or request.document_until <= utc_now() or not parts:
                raise DocumentNotThere(status=request.status.value, kind=request.kind.value)
            modules = {
                module: orjson.loads(cipher.unseal(sealed, context=context.encode()))
                for module, context, sealed in parts
            }
            told = {"subjectRequestId": id, "tenantId": tenant, "at": request.completed_at, "modules": modules}
            return orjson.dumps(told, option=orjson.OPT_INDENT_2)

        return await self._database.run(None, work)
