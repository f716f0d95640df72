using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/configuration.md about a single call and connections.</summary>
public sealed class ConfigurationSnippets : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lambda-streaming-certificates-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task OneCall()
    {
        // begin: configuration-call
        var request = InvokeWithResponseStreamRequest.FromJson("my-function", """{"prompt":"Tell me a story"}""");
        var limited = request with
        {
            ResponseHeadersTimeout = TimeSpan.FromSeconds(30),
            IdleTimeout = TimeSpan.FromSeconds(20),
            Retry = new LambdaRetryOptions { MaxAttempts = 5, Policy = LambdaRetryPolicy.AtLeastOnce },
        };
        // end: configuration-call

        using var client = new LambdaStreamingClient();
        await using var response = await client.InvokeWithResponseStreamAsync(limited, Ct);
        Assert.Equal("Hello, world", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task Handler()
    {
        using var authority = CreateAuthority("authority");
        using var serverCertificate = Issue(authority, "localhost");
        using var issued = Issue(authority, "caller");
        var (authorityFile, certificateFile, password) =
            (Path.Combine(_folder, "ca.pem"), Path.Combine(_folder, "client.pfx"), "password");
        await File.WriteAllTextAsync(authorityFile, authority.ExportCertificatePem(), Ct);
        await File.WriteAllBytesAsync(certificateFile, issued.Export(X509ContentType.Pfx, password), Ct);

        // begin: configuration-handler
        var trust = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,     // the default of SocketsHttpHandler
        };
        trust.CustomTrustStore.ImportFromPemFile(authorityFile);

        // On .NET 8: new X509Certificate2(certificateFile, password)
        var certificate = X509CertificateLoader.LoadPkcs12FromFile(certificateFile, password);

        var options = new LambdaStreamingClientOptions
        {
            ConfigureHandler = handler =>
            {
                handler.Proxy = new WebProxy("http://proxy.example:3128");
                handler.SslOptions.CertificateChainPolicy = trust;
                handler.SslOptions.ClientCertificates = new X509CertificateCollection { certificate };
            },
        };
        using var client = new LambdaStreamingClient(options);
        // end: configuration-handler

        await using var app = await StartAsync(serverCertificate);
        var url = new Uri(app.Urls.Single());

        using var handler = LambdaStreamingClient.CreateHandler(options);
        Assert.Equal(new Uri("http://proxy.example:3128"), handler.Proxy?.GetProxy(new Uri("https://example.com")));
        handler.Proxy = null;
        Assert.Equal("CN=caller", await GetAsync(handler, url));

        // The certificate of the server is still verified.
        using var other = CreateAuthority("other");
        trust.CustomTrustStore.Clear();
        trust.CustomTrustStore.Add(other);
        using var distrusting = LambdaStreamingClient.CreateHandler(options);
        distrusting.Proxy = null;
        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(distrusting, url));
        Assert.Equal(HttpRequestError.SecureConnectionError, exception.HttpRequestError);

        using var defaults = new SocketsHttpHandler();
        Assert.Equal(X509RevocationMode.NoCheck, defaults.SslOptions.CertificateRevocationCheckMode);
        certificate.Dispose();
    }

    /// <summary>Starts an https server that requires a client certificate and responds with its subject.</summary>
    private static async Task<WebApplication> StartAsync(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback,
            0,
            endpoint => endpoint.UseHttps(certificate, https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.AllowAnyClientCertificate();
            })));
        var app = builder.Build();
        app.MapGet("/", (HttpContext http) => http.Connection.ClientCertificate?.Subject);
        await app.StartAsync(Ct);
        return app;
    }

    private static async Task<string> GetAsync(SocketsHttpHandler handler, Uri server)
    {
        using var http = new HttpClient(handler, disposeHandler: false);
        return await http.GetStringAsync(new UriBuilder(server) { Host = "localhost" }.Uri, Ct);
    }

    private static X509Certificate2 CreateAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(authority, now.AddHours(-1), now.AddDays(1), [1, 2, (byte)name.Length]);
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }
}
