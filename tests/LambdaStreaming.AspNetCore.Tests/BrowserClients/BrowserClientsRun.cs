using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>One run of Chromium in which a page shows the responses of all cases with all clients.</summary>
/// <remarks>App and proxies use a fake clock, so that idle minutes pass at once.</remarks>
public sealed class BrowserClientsRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly FakeTimeProvider _clock = new();
    private readonly CaseFunctions _functions = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("browser-clients-");
    private WebApp? _app;
    private Task<Dictionary<string, JsonElement>>? _run;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Returns what the page shows of one response, or skips the test if Chromium cannot run.</summary>
    internal async Task<Shown> GetAsync(string client, string name) =>
        Shown.FromJson((await WaitForEndAsync())[$"{client} {name}"]);

    /// <summary>Waits until Chromium has ended.</summary>
    internal Task<Dictionary<string, JsonElement>> WaitForEndAsync()
    {
        var chromium = Browser.RequireChromium();
        return _run ??= RunAsync(chromium);
    }

    /// <summary>Returns the requests that Lambda has received for a case of a client.</summary>
    internal List<ReceivedRequest> GetRequests(string client, string name)
    {
        var function = Case.Create(client, name).Function;
        return [.. _app!.Lambda.Requests.Where(request => request.FunctionName == function)];
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<Dictionary<string, JsonElement>> RunAsync(string chromium)
    {
        _app = await WebApp.StartAsync(
            _functions.Add,
            Map,
            services: builder => builder.Services.AddSingleton<TimeProvider>(_clock));
        await using var proxy30 = new IdleProxy(_app.Url, TimeSpan.FromSeconds(30), _clock);
        await using var proxy60 = new IdleProxy(_app.Url, TimeSpan.FromSeconds(60), _clock);

        // Other proxies for responses without keep-alive, so that the first two count only those with it.
        await using var proxy30Off = new IdleProxy(_app.Url, TimeSpan.FromSeconds(30), _clock);
        await using var proxy60Off = new IdleProxy(_app.Url, TimeSpan.FromSeconds(60), _clock);
        Page[][] groups =
        [
            // The clock does not advance: these clients show the failure before the response ends.
            [
                new(_app.Url, "wait", Case.GetEnding()),
                new(_app.Url, "stop", Case.GetAll("endless")),
                new(_app.Url, "close", Case.GetAll("closed")),
            ],
            [
                new(_app.Url, "wait", Case.GetEndingLater()),
                new(proxy30.Url, "wait", Case.GetAll("idle-30")),
                new(proxy60.Url, "wait", Case.GetAll("idle-60")),
                new(proxy30Off.Url, "wait", Case.GetAll("idle-30-off")),
                new(proxy60Off.Url, "wait", Case.GetAll("idle-60-off")),
            ],
        ];
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var idle = PassIdleTimeAsync([proxy30, proxy60], finished.Token);
        try
        {
            return await Browser.RunAsync("clients.mjs", [_folder.FullName, chromium], Page.ToJson(groups));
        }
        finally
        {
            await finished.CancelAsync();
            await idle;
        }
    }

    private void Map(WebApplication app)
    {
        app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(_folder.FullName) });
        foreach (var test in Case.All)
        {
            app.MapLambdaStream(test.Path, test.Function, options =>
            {
                options.Methods.Add("GET");
                options.ContentType = test.Protocol.ContentType;
                if (test.IsWithoutKeepAlive) options.KeepAliveInterval = Timeout.InfiniteTimeSpan;
                if (test.Name != "failed-default") options.FailureWriter = test.Protocol.FailureWriter;
            });
        }
    }

    /// <summary>Lets ten minutes pass before the first byte of the idle functions, and ten more within it.</summary>
    private async Task PassIdleTimeAsync(IdleProxy[] proxies, CancellationToken cancellationToken)
    {
        try
        {
            var expected = Case.All.Count(test => test.IsIdle);
            if (await TryWaitAsync(() => _functions.IdleCount == expected, Patience, cancellationToken))
            {
                foreach (var gate in _functions.Gates)
                {
                    await PassTenMinutesAsync(proxies, cancellationToken);
                    gate.TrySetResult();
                }
            }

            // Responses that failed end after a delay.
            while (true)
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Chromium has ended.
        }
    }

    private async Task PassTenMinutesAsync(IdleProxy[] proxies, CancellationToken cancellationToken)
    {
        var end = _clock.GetUtcNow() + TimeSpan.FromMinutes(10);
        while (_clock.GetUtcNow() < end)
        {
            if (await TryPassKeepAliveAsync(proxies, cancellationToken)) continue;

            // The proxies close the connections: the page shows this.
            _clock.Advance(end - _clock.GetUtcNow());
        }
    }

    /// <summary>Lets time pass until all idle responses have received a keep-alive.</summary>
    private async Task<bool> TryPassKeepAliveAsync(IdleProxy[] proxies, CancellationToken cancellationToken)
    {
        var start = _clock.GetUtcNow();
        _clock.Advance(TimeSpan.FromSeconds(15));
        while (!await TryWaitAsync(
            () => proxies.All(proxy => proxy.CountActive(start) >= 4),
            TimeSpan.FromSeconds(2),
            cancellationToken))
        {
            // The timer of a response can have been started after the clock was advanced.
            if (_clock.GetUtcNow() - start > TimeSpan.FromSeconds(25)) return false;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        return true;
    }

    private static async Task<bool> TryWaitAsync(
        Func<bool> condition,
        TimeSpan limit,
        CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > limit) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        }

        return true;
    }

    private sealed record Page(Uri Url, string Action, IEnumerable<Case> Cases)
    {
        public static string ToJson(Page[][] groups) => JsonSerializer.Serialize(
            groups.Select(pages => pages.Select(page => new
            {
                url = page.Url.AbsoluteUri,
                action = page.Action,
                responses = page.Cases.Select(test => (string[])[$"{test.Client} {test.Name}", test.Client, test.Path]),
            })));
    }
}
