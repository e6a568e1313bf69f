// What went over the wire, both ways.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { SendResult } from "../api/types";
import { parse } from "../json/lossless";
import { CopyButton, IconButton } from "../ui/controls";
import { download } from "../ui/download";
import { Icon } from "../ui/icons";
import { bytes, duration, line, visible } from "../ui/text";
import { Text } from "../values/text";
import { Tree, utf8Length } from "../values/value";

export function Wire({ sent }: { sent: SendResult }) {
  const { request, response } = sent;
  const ok = response.status < 400;
  const target = request.path + (request.query ? `?${request.query}` : "");
  return (
    <div class="wire">
      <Side
        title="Request"
        headers={request.headers}
        body={request.body}
        file="request"
        first={
          <>
            <b>{visible(request.method)}</b> {line(target, 2000)}
          </>
        }
      />
      <Side
        title="Response"
        headers={response.headers}
        body={response.body}
        file="response"
        encoded={response.encoding === "base64"}
        size={response.size}
        first={
          <span class={`status${ok ? "" : " bad"}`}>
            <Icon name={ok ? "check" : "close"} size={14} />
            <b>{response.status}</b> {reasons[response.status] ?? ""}
          </span>
        }
        aside={<span class="muted small number">after {duration(sent.durationNs)}</span>}
      />
    </div>
  );
}

function Side({
  title,
  first,
  headers,
  body,
  file,
  encoded,
  size,
  aside,
}: {
  title: string;
  first: ComponentChildren;
  headers: readonly (readonly [string, string])[];
  body: string;
  file: string;
  encoded?: boolean;
  size?: number;
  aside?: ComponentChildren;
}) {
  const json = useMemo(() => {
    try {
      return encoded || body === "" ? undefined : parse(body);
    } catch {
      return undefined;
    }
  }, [body, encoded]);
  const length = useMemo(() => utf8Length(body), [body]);
  return (
    <section class="value-box" aria-label={title}>
      <header>
        <h3>{title}</h3>
        {aside}
        <span class="tools">
          <CopyButton label={`Copy the body of the ${file}`} text={body} />
          <IconButton
            icon="download"
            small
            label={`Download the body of the ${file}`}
            onClick={() => download(`${file}.${json ? "json" : encoded ? "base64" : "txt"}`, body)}
          />
        </span>
      </header>
      <div class="wire-head mono">
        <div class="wrap">{first}</div>
        {headers.slice(0, 100).map(([name, value], i) => (
          <div key={i} class="wrap">
            <span class="muted">{line(name, 100)}:</span> {line(value, 1000)}
          </div>
        ))}
      </div>
      {body === "" ? (
        <p class="value-none">No body.</p>
      ) : encoded ? (
        <p class="value-none">The body is not text. It can be downloaded in base64.</p>
      ) : json ? (
        <Tree key={body} json={json} label={`Body of the ${file}`} />
      ) : (
        <Text key={body} text={body} label={`Body of the ${file}`} />
      )}
      {size ? (
        <p class="value-none">This is the beginning of {bytes(size)}.</p>
      ) : (
        !encoded && body !== "" && <p class="value-none small">{bytes(length)}</p>
      )}
    </section>
  );
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
