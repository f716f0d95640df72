using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using LambdaStreaming.Http;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Counts the server's connections, and gives each a <see cref="ConnectionOutput"/>.</summary>
internal sealed class ConnectionLog(X509Certificate2? certificate)
{
    /// <summary>The certificate for TLS, or <see langword="null"/> for HTTP without TLS.</summary>
    public X509Certificate2? Certificate => certificate;

    public ConnectionCount Count { get; } = new();

    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        using var counted = Count.Add();
        var transport = connection.Transport;
        var socket = connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
        var network = new NetworkStream(socket, ownsSocket: false);
        await using var networkDisposal = network.ConfigureAwait(false);
        try
        {
            if (certificate is null)
            {
                await RunAsync(connection, transport.Input, network, next).ConfigureAwait(false);
                return;
            }

            var tls = new SslStream(new DuplexStream(transport.Input.AsStream(), network));
            await using var tlsDisposal = tls.ConfigureAwait(false);
            await tls.AuthenticateAsServerAsync(certificate).ConfigureAwait(false);
            await RunAsync(connection, PipeReader.Create(tls), tls, next).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            // The client does not use TLS or does not trust the certificate.
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    private static async Task RunAsync(
        ConnectionContext connection, PipeReader input, Stream output, ConnectionDelegate next)
    {
        var sender = new ConnectionOutput(output);
        connection.Features.Set(sender);
        connection.Transport = new DuplexPipe(input, sender);
        var sending = sender.SendAsync();
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            await sender.CompleteAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(false);
        }
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>What TLS reads from Kestrel, which has started to read the socket, and writes to the socket.</summary>
    private sealed class DuplexStream(Stream input, Stream output) : NonSeekableStream
    {
        public override bool CanWrite => true;

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            output.WriteAsync(buffer, cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            input.ReadAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
