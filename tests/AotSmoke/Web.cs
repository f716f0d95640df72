using System.Net;
using System.Net.Http.Json;
using LambdaStreaming.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AotSmoke;

/// <summary>The endpoints of docs/aot.md, and requests to them.</summary>
internal static class Web
{
    /// <summary>Starts the app, and sends its requests to the functions <c>greet</c> and <c>nobody</c>.</summary>
    /// <returns>The problems; empty if everything works.</returns>
    public static async Task<List<string>> CheckAsync(ILambdaStreamingClient client, CancellationToken token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(client);
        builder.Services.AddProblemDetails();
        builder.Services.ConfigureHttpJsonOptions(options =>
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, Json.Default));
        await using var app = builder.Build();
        app.MapLambdaStream("/chat", "greet");
        app.MapLambdaStream("/nobody", "nobody");
        app.MapPost("/ask", (Greeting greeting) =>
        {
            if (greeting.Name.Length > 10) return Results.Problem("The name is too long.", statusCode: 400);
            var request = InvokeWithResponseStreamRequest.Create("greet", greeting, Json.Default.Greeting);
            return LambdaResults.Stream(request);
        });
        await app.StartAsync(token);

        var problems = new List<string>();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        await CheckPostAsync("/chat", "Ada", HttpStatusCode.OK, "hello Ada");
        await CheckPostAsync("/ask", "Ada", HttpStatusCode.OK, "hello Ada");
        await CheckPostAsync("/ask", "a name that is too long", HttpStatusCode.BadRequest, "The name is too long.");
        await CheckPostAsync("/nobody", "Ada", HttpStatusCode.BadGateway, "\"status\":502");
        await app.StopAsync(token);
        return problems;

        async Task CheckPostAsync(string path, string name, HttpStatusCode status, string expected)
        {
            using var response = await http.PostAsJsonAsync(path, new Greeting(name), Json.Default.Greeting, token);
            var text = await response.Content.ReadAsStringAsync(token);
            if (response.StatusCode != status || !text.Contains(expected, StringComparison.Ordinal))
                problems.Add($"{path}: {response.StatusCode} {text}");
        }
    }
}
