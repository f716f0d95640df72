namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>A message, its name in the approved file, and the type of its exception.</summary>
internal sealed record MessageEntry(string Name, string Type, string Text);

/// <summary>A way to provoke one message.</summary>
internal sealed class MessageScenario
{
    private readonly Func<Task<(string Type, string Text)>> _provokeAsync;

    /// <summary>Creates a scenario whose code must throw an exception with the message.</summary>
    public MessageScenario(string name, Func<Task> failAsync)
    {
        Name = name;
        _provokeAsync = async () =>
        {
            var exception = await Record.ExceptionAsync(() => failAsync().WaitAsync(LocalService.TooLong));
            Assert.True(exception is not null, $"The scenario '{name}' throws nothing.");
            return (exception.GetType().Name, exception.Message);
        };
    }

    /// <inheritdoc cref="MessageScenario(string, Func{Task})"/>
    public MessageScenario(string name, Action fail)
        : this(name, () =>
        {
            fail();
            return Task.CompletedTask;
        })
    {
    }

    /// <summary>Creates a scenario for a message that does not belong to an exception.</summary>
    public MessageScenario(string name, string type, Func<string> write)
    {
        Name = name;
        _provokeAsync = () => Task.FromResult((type, write()));
    }

    public string Name { get; }

    public async Task<MessageEntry> ProvokeAsync()
    {
        var (type, text) = await _provokeAsync();
        return new MessageEntry(Name, type, ApprovedFile.Normalize(text));
    }
}

/// <summary>The scenarios of one section of the approved file.</summary>
internal sealed record MessageArea(string Name, IReadOnlyList<MessageScenario> Scenarios);
