const part = (id) => document.getElementById(id);

async function ask(path, body, bearer) {
  const headers = { "Content-Type": "application/json", ...(bearer && { Authorization: "Bearer " + bearer }) };
  try {
    const answer = await fetch("/v1/security/" + path, { method: "POST", headers, body: JSON.stringify(body) });
    return await answer.json();
  } catch {
    return { error: { code: "", message: "The server did not answer.", details: { hint: "Please try again." } } };
  }
}

function tell(text, refused) {
  part("status").textContent = text;
  part("status").className = refused ? "refused" : "";
}

function refuse(error) {
  const more = (error.details.suggestions || [error.details.hint]).join(" ");
  tell(error.message + " " + more, true);
}
