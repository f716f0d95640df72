using System.Diagnostics;
using System.Text;
using LambdaStreaming;
using LambdaStreaming.AotSmoke;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

// Uses the packages as an application does. It is compiled ahead of time, so code that depends on reflection fails.
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
var token = limit.Token;
var profiles = Directory.CreateTempSubdirectory("lambda-streaming-aot-");
try
{
    await using var server = await LocalLambdaServer.StartAsync(
        options =>
        {
            options.AddFunction("greet", async (invocation, response, cancellationToken) =>
            {
                var greeting = invocation.PayloadFromJson(Json.Default.Greeting);
                await response.WriteTextAsync("hello ", cancellationToken);
                await response.WriteTextAsync(greeting?.Name ?? "nobody", cancellationToken);
                response.Log("a line of its log");
            });
            options.RequireJsonPayload = false;
            options.AddFunction("echo", async (invocation, response, cancellationToken) =>
            {
                // Two chunks, so that every reader crosses a chunk boundary.
                var half = invocation.Payload.Length / 2;
                await response.WriteAsync(invocation.Payload[..half], cancellationToken);
                await response.WriteAsync(invocation.Payload[half..], cancellationToken);
            });
            options.AddFunction("web", async (invocation, response, cancellationToken) =>
            {
                var headers = new Dictionary<string, string> { ["Content-Type"] = "text/plain" };
                await response.WriteHttpPreludeAsync(201, headers, ["a=1"], cancellationToken);
                await response.WriteAsync(invocation.Payload, cancellationToken);
            });
            options.AddFunction("fails", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("half", cancellationToken);
                throw new InvalidOperationException("boom");
            });
        },
        token);

    // AWSSDK.Core reads the paths of the profile files from the environment once, so set them before its first use.
    var config = Path.Combine(profiles.FullName, "config");
    var keys = await server.Credentials.GetCredentialsAsync();
    var profile =
        $"""
        [profile aot]
        region = {server.Region.SystemName}
        services = local
        aws_access_key_id = {keys.AccessKey}
        aws_secret_access_key = {keys.SecretKey}
        [services local]
        lambda =
          endpoint_url = {server.ServiceUrl}

        """;
    await File.WriteAllTextAsync(config, profile, token);
    Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", config);
    Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", config);
    Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");

    using (var client = server.CreateClient())
    {
        await GreetAsync(client, "options");

        var problems = await Readers.CheckAsync(client, "echo", token);
        Check(problems.Count == 0, string.Join("; ", problems));
        var webProblems = await Web.CheckAsync(client, token);
        Check(webProblems.Count == 0, string.Join("; ", webProblems));

        var (text, failure) = await ReadAsync(client, new InvokeWithResponseStreamRequest("fails"));
        Check(text == "half", $"the text before the failure is '{text}'");
        Check(
            failure is FunctionErrorException { FunctionErrorMessage: "boom" },
            $"the failure of the function is {failure}");

        (_, failure) = await ReadAsync(client, new InvokeWithResponseStreamRequest("nobody"));
        Check(
            failure is LambdaServiceException { ErrorCode: "ResourceNotFoundException" },
            $"the failure for an unknown function is {failure}");
    }

    // Clients from a container, with bound configuration and an activity listener.
    var settings = new ConfigurationBuilder()
        .AddInMemoryCollection(
        [
            new("ServiceUrl", server.ServiceUrl.ToString()),
            new("Region", server.Region.SystemName),
            new("IdleTimeout", "00:00:30"),
            new("Retry:Policy", "Never"),
        ])
        .Build();
    var services = new ServiceCollection().AddSingleton(server.Credentials);
    services.AddLambdaStreamingClient(settings);
    services.AddLambdaStreamingClient("named", settings);
    services.AddHttpClient("web").UseLambdaFunction("web", "named");
    await using (var provider = services.BuildServiceProvider())
    {
        Activity? span = null;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LambdaStreaming",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped => span = stopped,
        };
        ActivitySource.AddActivityListener(listener);
        var bound = provider.GetRequiredService<IOptions<LambdaStreamingClientOptions>>().Value;
        Check(bound.IdleTimeout == TimeSpan.FromSeconds(30), "the configuration is not bound");
        await GreetAsync(provider.GetRequiredService<ILambdaStreamingClient>(), "container");
        await GreetAsync(provider.GetRequiredKeyedService<ILambdaStreamingClient>("named"), "key");
        await SendHttpAsync(provider.GetRequiredService<IHttpClientFactory>().CreateClient("web"));
        Check(span?.GetTagItem("lambda_streaming.outcome") as string == "completed", "no completed span was recorded");
    }

    // Region, credentials and endpoint from a profile with a services section.
    using (var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { Profile = "aot" }))
    {
        await GreetAsync(client, "profile");
    }

    using (var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { Profile = "nobody" }))
    {
        var (_, failure) = await ReadAsync(client, new InvokeWithResponseStreamRequest("greet"));
        Check(failure is LambdaConfigurationException, $"the failure for an unknown profile is {failure}");
    }
}
finally
{
    profiles.Delete(recursive: true);
}

Console.WriteLine("aot ok");
return 0;

async Task SendHttpAsync(HttpClient http)
{
    using var response = await http.PostAsync("/a?b=c", new StringContent("body"), token);
    var text = await response.Content.ReadAsStringAsync(token);
    Check(response.StatusCode == System.Net.HttpStatusCode.Created, $"the status is {response.StatusCode}");
    Check(response.Headers.GetValues("Set-Cookie").Single() == "a=1", "the cookie is missing");
    Check(text.Contains("\"body\":\"body\"", StringComparison.Ordinal), $"the event is {text}");
}

async Task GreetAsync(ILambdaStreamingClient client, string name)
{
    var greeting = new Greeting(name);
    var request = InvokeWithResponseStreamRequest.Create("greet", greeting, Json.Default.Greeting) with
    {
        LogType = LogType.Tail,
    };
    var (text, failure) = await ReadAsync(client, request);
    Check(failure is null, $"{failure}");
    Check(text == $"hello {name}", $"the response is '{text}'");
}

async Task<(string Text, Exception? Failure)> ReadAsync(
    ILambdaStreamingClient client,
    InvokeWithResponseStreamRequest request)
{
    var text = new StringBuilder();
    try
    {
        await using var response = await client.InvokeWithResponseStreamAsync(request, token);
        await foreach (var chunk in response.ReadChunksAsync(token))
            text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
        if (request.LogType == LogType.Tail)
        {
            var log = response.InvokeComplete?.DecodeLogResult();
            Check(
                log?.Contains("a line of its log", StringComparison.Ordinal) == true,
                "the log of the function is missing");
        }

        return (text.ToString(), null);
    }
    catch (LambdaStreamingException exception)
    {
        return (text.ToString(), exception);
    }
}

static void Check(bool holds, string problem)
{
    if (!holds) throw new InvalidOperationException($"aot: {problem}");
}
