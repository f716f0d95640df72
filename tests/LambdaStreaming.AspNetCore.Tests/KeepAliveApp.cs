using System.Text;
using System.Threading.Channels;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>An app with one function that writes what the test writes, and with a fake clock.</summary>
internal sealed class KeepAliveApp : IAsyncDisposable
{
    private readonly Channel<Func<FunctionResponse, CancellationToken, Task>> _steps =
        Channel.CreateUnbounded<Func<FunctionResponse, CancellationToken, Task>>();

    private KeepAliveApp(WebApp app, StepTimeProvider time) => (App, Time) = (app, time);

    public WebApp App { get; private set; }

    public StepTimeProvider Time { get; }

    public Uri Url => App.Url;

    public static async Task<KeepAliveApp> StartAsync(
        Action<LambdaStreamEndpointOptions>? configure = null,
        Action<WebApplication>? map = null,
        Action<IServiceCollection>? services = null,
        Action<IEndpointConventionBuilder>? conventions = null,
        string? functionContentType = null,
        HttpProtocols protocols = HttpProtocols.Http1)
    {
        var time = new StepTimeProvider();
        var test = new KeepAliveApp(null!, time);
        test.App = await WebApp.StartAsync(
            server =>
            {
                server.SendFunctionContentType = functionContentType is not null;
                server.AddFunction("sse", async (_, response, ct) =>
                {
                    if (functionContentType is not null) response.ContentType = functionContentType;
                    await foreach (var step in test._steps.Reader.ReadAllAsync(ct)) await step(response, ct);
                });
            },
            app =>
            {
                map?.Invoke(app);
                var endpoint = app.MapLambdaStream("/chat", "sse", options =>
                {
                    options.ContentType = "text/event-stream";
                    configure?.Invoke(options);
                });
                conventions?.Invoke(endpoint);
            },
            services: builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(time);
                services?.Invoke(builder.Services);
            },
            protocols: protocols);
        return test;
    }

    public void Write(string text) =>
        Run(async (response, ct) => await response.WriteAsync(Encoding.UTF8.GetBytes(text), ct));

    public void WritePrelude(int status, params (string Name, string Value)[] headers) => Run((response, ct) =>
        response.WriteHttpPreludeAsync(
            status,
            headers.ToDictionary(header => header.Name, header => header.Value),
            null,
            ct));

    public void Run(Func<FunctionResponse, CancellationToken, Task> step) => _steps.Writer.TryWrite(step);

    public void End() => _steps.Writer.Complete();

    public ValueTask DisposeAsync() => App.DisposeAsync();
}
