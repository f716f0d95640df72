using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Counts the server's connections, and makes each flush send its bytes before it returns.</summary>
internal sealed class ConnectionLog(X509Certificate2? certificate)
{
    /// <summary>The certificate for TLS, or <see langword="null"/> for HTTP without TLS.</summary>
    public X509Certificate2? Certificate => certificate;

    public ConnectionCount Count { get; } = new();

    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        using var counted = Count.Add();
        var transport = connection.Transport;
        SslStream? tls = null;
        try
        {
            var socket = connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
            var direct = new SocketStream(socket, transport.Input.AsStream());
            if (certificate is null)
            {
                connection.Transport = new DirectTransport(transport.Input, PipeWriter.Create(direct));
            }
            else
            {
                tls = new SslStream(direct, leaveInnerStreamOpen: true);
                await tls.AuthenticateAsServerAsync(certificate).ConfigureAwait(false);
                connection.Transport = new DirectTransport(PipeReader.Create(tls), PipeWriter.Create(tls));
            }

            await next(connection).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            // The client does not use TLS or does not trust the certificate.
        }
        finally
        {
            if (tls is not null) await tls.DisposeAsync().ConfigureAwait(false);
            connection.Transport = transport;
        }
    }

    private sealed record DirectTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Writes directly to the socket.</summary>
    /// <remarks>
    /// Kestrel's own pipe does not report when bytes have been sent. If a test truncates a response, the server could
    /// then close the connection before the bytes that precede the truncation are sent.
    /// </remarks>
    private sealed class SocketStream(Socket socket, Stream input) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                while (!buffer.IsEmpty)
                {
                    var count = await socket.SendAsync(buffer, SocketFlags.None, cancellationToken)
                        .ConfigureAwait(false);
                    buffer = buffer[count..];
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The client has disconnected. Kestrel's read detects this and aborts the request.
            }
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            input.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(
            byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            input.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
