using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Testing.Tests;

namespace LambdaStreaming.Live;

/// <summary>Records one request and its response, as they are on the wire, without secrets.</summary>
internal sealed class WireRecorder(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly string[] SecretHeaders = ["Authorization", "X-Amz-Security-Token"];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private static readonly Regex AccountNumber = Create("(?<![0-9])[0-9]{12}(?![0-9])");
    private static readonly Regex AccessKey = Create("(AKIA|ASIA)[A-Z0-9]{16}");

    private readonly StringBuilder _text = new();
    private readonly MemoryStream _body = new();
    private readonly List<string> _secrets = [];

    private HttpStatusCode _status;

    public Dictionary<string, string> ResponseHeaders { get; } = new(StringComparer.OrdinalIgnoreCase);

    public static string RemoveSecrets(string text) =>
        AccessKey.Replace(AccountNumber.Replace(text, "111122223333"), "(access key)");

    /// <summary>Returns the complete messages of a response that is an event stream.</summary>
    public IReadOnlyList<(Dictionary<string, string> Headers, byte[] Payload)> GetMessages() => Decode().Messages;

    public void Save(string folder, string name)
    {
        var (messages, remaining) = Decode();
        foreach (var (headers, payload) in messages)
        {
            _text.Append("\n--- ").AppendJoin(", ", headers.Select(header => $"{header.Key}: {header.Value}"));
            _text.Append($" ({payload.Length} bytes)\n").Append(GetStart(payload));
        }

        if (remaining.Length > 0) _text.Append('\n').Append(GetStart(remaining));
        Directory.CreateDirectory(folder);
        var text = RemoveSecrets(RemoveSecretHeaders(_text.ToString()));
        File.WriteAllText(Path.Combine(folder, name + ".txt"), text + "\n");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _body.Dispose();
        base.Dispose(disposing);
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        _text.Append($"{request.Method} {request.RequestUri!.PathAndQuery}\n");
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            // AWSSDK.Core writes some of these names in lowercase.
            if (SecretHeaders.Contains(name, StringComparer.OrdinalIgnoreCase)) _secrets.Add(values.ToString());
            else _text.Append($"{name}: {values}\n");
        }

        var response = await base.SendAsync(request, cancellationToken);
        _status = response.StatusCode;
        _text.Append($"\nHTTP/{response.Version} {(int)_status}\n");
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            ResponseHeaders[name] = values.ToString();
            _text.Append($"{name}: {values}\n");
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var content = new StreamContent(new CopyingStream(body, _body));
        foreach (var header in response.Content.Headers.NonValidated)
            content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        response.Content = content;
        return response;
    }

    // Returns the messages up to the first that is not complete, and the bytes after them. A response can end inside a
    // message, or be that of a proxy.
    private (List<(Dictionary<string, string> Headers, byte[] Payload)> Messages, byte[] Remaining) Decode()
    {
        var body = _body.ToArray();
        if (_status != HttpStatusCode.OK) return ([], body);
        List<(Dictionary<string, string>, byte[])> messages = [];
        var position = 0;
        try
        {
            while (position < body.Length)
            {
                // The shortest message has a length of 16.
                var length = Math.Max(BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(position)), 16);
                messages.AddRange(Messages.Decode(body.AsSpan(position, length)));
                position += length;
            }
        }
        catch (ArgumentException)
        {
            // The rest is not a message.
        }

        return (messages, body[position..]);
    }

    // Secrets are removed before the text is shortened, which could otherwise keep the first part of one.
    private string GetStart(byte[] bytes)
    {
        var text = RemoveSecrets(RemoveSecretHeaders(Encoding.UTF8.GetString(bytes)));
        return text[..Math.Min(text.Length, 400)].Replace("\0", "\\0", StringComparison.Ordinal);
    }

    // The service can quote them, for example in the message of a signature that does not match.
    private string RemoveSecretHeaders(string text) => _secrets.Aggregate(
        text, (result, secret) => result.Replace(secret, "(secret)", StringComparison.Ordinal));

    private static Regex Create(string pattern) => new(pattern, RegexOptions.ExplicitCapture, Limit);

    private sealed class CopyingStream(Stream source, MemoryStream copy) : ForwardStream
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await source.ReadAsync(buffer, cancellationToken);
            copy.Write(buffer.Span[..count]);
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) source.Dispose();
            base.Dispose(disposing);
        }
    }
}
