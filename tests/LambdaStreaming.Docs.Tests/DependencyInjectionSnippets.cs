using System.Reflection;
using Amazon.Extensions.NETCore.Setup;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/dependency-injection.md and in the README of the package.</summary>
public sealed class DependencyInjectionSnippets
{
    private static readonly Page Guide = new("docs/dependency-injection.md");

    public static IEnumerable<TheoryDataRow<string>> Registrations =>
        from block in Guide.Blocks
        where block.Code.Contains("builder.Services.", StringComparison.Ordinal)
        select new TheoryDataRow<string>(block.Snippet);

    /// <summary>
    /// Starts an app that consists of the first program of the page and one block, without anything from these tests.
    /// </summary>
    [Theory, MemberData(nameof(Registrations))]
    public async Task Registration_PastedIntoANewApp_HostStartsAndCreatesTheClients(string snippet)
    {
        const string Start = """
            await using var app = builder.Build();
            await app.StartAsync();
            foreach (var client in builder.Services.Where(it => it.ServiceType == typeof(ILambdaStreamingClient)))
            {
                if (client.IsKeyedService)
                    app.Services.GetRequiredKeyedService<ILambdaStreamingClient>(client.ServiceKey);
                else app.Services.GetRequiredService<ILambdaStreamingClient>();
            }
            await app.StopAsync();
            """;
        using var assembly = new MemoryStream();
        Assert.Empty(PastedProgram.FromPage(Guide, snippet, Start).Compile(assembly));
        var main = Assembly.Load(assembly.ToArray()).EntryPoint!;
        string[] args = ["--urls", "http://127.0.0.1:0"];

        await Task.Run(() => main.Invoke(null, [args]), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Add()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server =>
                server.AddFunction("chat", async (_, response, token) => await response.WriteTextAsync("Hello", token)),
            TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(
        [
            new("LambdaStreaming:ServiceUrl", lambda.ServiceUrl.ToString()),
            new("LambdaStreaming:Region", "us-east-1"),
            new("LambdaStreaming:ConnectTimeout", "00:01:00"),   // a busy machine can need more than the default
            new("LambdaStreaming:IdleTimeout", "00:02:00"),
        ]);
        builder.Services.AddSingleton(lambda.Credentials);
        // begin: di-add
        builder.Services.AddLambdaStreamingClient(builder.Configuration.GetSection("LambdaStreaming"));
        // end: di-add
        builder.Services.AddSingleton<Chat>();
        await using var app = builder.Build();

        Assert.Equal("Hello", await app.Services.GetRequiredService<Chat>().AskAsync("{}"));
    }

    // begin: di-use
    public sealed class Chat(ILambdaStreamingClient client)
    {
        public async Task<string> AskAsync(string json, CancellationToken cancellationToken = default)
        {
            var request = InvokeWithResponseStreamRequest.FromJson("chat", json);
            await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            return await response.ReadAsStringAsync(cancellationToken: cancellationToken);
        }
    }
    // end: di-use

    [Fact]
    public void Keyed()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection([new("PaymentsLambda:Region", "eu-central-1")]);
        // begin: di-keyed
        builder.Services.AddLambdaStreamingClient("chat", options => options.IdleTimeout = TimeSpan.FromSeconds(30));
        builder.Services.AddLambdaStreamingClient("payments", builder.Configuration.GetSection("PaymentsLambda"));
        // end: di-keyed
        builder.Services.AddSingleton<Desk>();
        using var app = builder.Build() as IDisposable;

        var services = ((WebApplication)app).Services;
        var options = services.GetRequiredService<IOptionsMonitor<LambdaStreamingClientOptions>>();
        Assert.NotNull(services.GetRequiredService<Desk>());
        Assert.Equal("eu-central-1", options.Get("payments").Region?.SystemName);
        Assert.Equal(TimeSpan.FromSeconds(30), options.Get("chat").IdleTimeout);
    }

    // begin: di-keyed-use
    public sealed class Desk(
        [FromKeyedServices("chat")] ILambdaStreamingClient chat,
        [FromKeyedServices("payments")] ILambdaStreamingClient payments)
    {
        public ILambdaStreamingClient Chat { get; } = chat;

        public ILambdaStreamingClient Payments { get; } = payments;
    }
    // end: di-keyed-use

    [Fact]
    public async Task Handler()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server =>
                server.AddFunction("chat", async (_, response, token) => await response.WriteTextAsync("Hello", token)),
            TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateSlimBuilder();
        // begin: di-handler
        builder.Services.AddTransient<TeamHandler>();
        builder.Services.AddLambdaStreamingClient().AddHttpMessageHandler<TeamHandler>();
        // end: di-handler
        builder.Services.AddSingleton(lambda.Credentials).AddSingleton<Chat>();
        builder.Services.Configure<LambdaStreamingClientOptions>(options =>
        {
            options.ServiceUrl = lambda.ServiceUrl;
            options.Region = lambda.Region;
            options.ConnectTimeout = TimeSpan.FromMinutes(1);
        });
        await using var app = builder.Build();

        Assert.Equal("Hello", await app.Services.GetRequiredService<Chat>().AskAsync("{}"));
        Assert.Equal("search", Assert.Single(lambda.Requests).Headers["X-Team"]);
    }

    // begin: di-handler-type
    public sealed class TeamHandler : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            request.Headers.Add("X-Team", "search");     // not signed: the request is signed before
            return base.SendAsync(request, cancellationToken);
        }
    }
    // end: di-handler-type

    [Theory]
    [InlineData(null)]
    [InlineData("arn:aws:iam::123456789012:role/caller")]
    public void AwsOptions(string? expectedRole)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(
        [
            new("AWS:Region", "eu-west-1"),
            new("AWS:ServiceURL", "https://localhost:4566"),
            new("AWS:Profile", "work"),
            new("AWS:MaxErrorRetry", "4"),
            new("AWS:Timeout", "5000"),
            new("AWS:SessionRoleArn", expectedRole),
        ]);
        // begin: di-aws-options
        builder.Services.AddDefaultAWSOptions(builder.Configuration.GetAWSOptions());
        builder.Services.AddLambdaStreamingClient();
        builder.Services.AddOptions<LambdaStreamingClientOptions>().Configure<AWSOptions>((options, aws) =>
        {
            options.Region = aws.Region;
            options.Profile = aws.Profile;
            options.Credentials = aws.Credentials;
            if (aws.SessionRoleArn is { Length: > 0 } role)     // needs the package AWSSDK.SecurityToken
            {
                AWSCredentials? ofProfile = null;
                if (aws.Profile is { } name)
                    new CredentialProfileStoreChain(aws.ProfilesLocation).TryGetAWSCredentials(name, out ofProfile);
                var source = aws.Credentials ?? ofProfile ?? DefaultAWSCredentialsIdentityResolver.GetCredentials();
                options.Credentials = new AssumeRoleAWSCredentials(source, role, aws.SessionName);
            }

            var config = aws.DefaultClientConfig;
            if (config.ServiceURL is { Length: > 0 } url) options.ServiceUrl = new Uri(url);
            if (config.Timeout is { } timeout) options.ResponseHeadersTimeout = timeout;
            if (config.MaxErrorRetry is { } retries) options.Retry.MaxAttempts = retries + 1;
            // To retry as well if the function might have run, as AWSSDK.Lambda does:
            // options.Retry.Policy = LambdaRetryPolicy.AtLeastOnce;
        });
        // end: di-aws-options
        using var app = builder.Build() as IDisposable;

        var options = ((WebApplication)app).Services.GetRequiredService<IOptions<LambdaStreamingClientOptions>>().Value;
        Assert.Equal("eu-west-1", options.Region?.SystemName);
        Assert.Equal("work", options.Profile);
        Assert.Equal(new Uri("https://localhost:4566"), options.ServiceUrl);
        Assert.Equal(5, options.Retry.MaxAttempts);
        Assert.Equal(TimeSpan.FromSeconds(5), options.ResponseHeadersTimeout);
        Assert.Equal(expectedRole, (options.Credentials as AssumeRoleAWSCredentials)?.RoleArn);
    }

    [Fact]
    public void OwnHandlers()
    {
        // begin: di-own-client
        var options = new LambdaStreamingClientOptions();
        var handler = new SendOnceHandler(LambdaStreamingClient.CreateHandler(options));
        using var httpClient = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new LambdaStreamingClient(options, httpClient);
        // end: di-own-client
        Assert.NotNull(client);
    }
}
